"""The ways of distribution that are raced, a module each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.compare.contenders import aria2, bittorrent, casync, dcdist, nfs, object_storage, web_seeds

if TYPE_CHECKING:
    from benchmarks.compare.contender import Contender

USUAL: tuple[Contender, ...] = (
    dcdist.CONTENDER,
    dcdist.EGRESS,
    aria2.CONTENDER,
    bittorrent.CONTENDER,
    web_seeds.CONTENDER,
    object_storage.CONTENDER,
    nfs.CONTENDER,
    casync.CONTENDER,
)
ALL: tuple[Contender, ...] = (*USUAL, bittorrent.SUPER_SEED, dcdist.STREAM, dcdist.ALONE, dcdist.TROUBLED)
"""With those that race only when asked for."""
