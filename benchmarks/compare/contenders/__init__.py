"""The ways of distribution that are raced, a module each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.compare.contenders import aria2, bittorrent, casync, dcdist, nfs, object_storage, web_seeds

if TYPE_CHECKING:
    from pathlib import Path

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


def titles() -> dict[str, str]:
    """What each is called in tables, by its name."""
    return {each.name: each.title for each in ALL}


def usual(against: Path | None) -> tuple[Contender, ...]:
    """What races if nobody asks for others; with another checkout, its code beside this one's."""
    return (*dcdist.before(against), *USUAL) if against else USUAL


def every(against: Path | None) -> tuple[Contender, ...]:
    """All that may be asked for."""
    return (*dcdist.before(against), *ALL) if against else ALL
