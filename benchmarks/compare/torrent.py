"""Torrents of the payload for the contenders that are BitTorrent and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libtorrent as lt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PIECE_LENGTH = 256 * 1024
COMPLETE = "complete"
"""What a client prints when the whole file is checked and written."""


@dataclass(frozen=True, slots=True)
class Torrent:
    """The torrent file, and its v1 info hash in hex."""

    file: Path
    info_hash: str


def make(image: Path, file: Path, *, tracker: str, web_seeds: Sequence[str] = ()) -> Torrent:
    """Write a v1 torrent of one file."""
    creator = lt.create_torrent(lt.list_files(str(image)), PIECE_LENGTH, lt.create_torrent.v1_only)
    creator.add_tracker(tracker, 0)
    for url in web_seeds:
        creator.add_url_seed(url)
    lt.set_piece_hashes(creator, str(image.parent))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(lt.bencode(creator.generate()))
    return Torrent(file, str(lt.load_torrent_file(str(file)).info_hashes.v1))
