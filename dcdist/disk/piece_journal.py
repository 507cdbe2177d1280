"""The pieces that the last writer of a layer had. Invariant: a trusted journal describes the data file as it is now.

`resume` holds the pieces as a bit set; `clean` says that it can be trusted. `clean` is removed before the first write
of a session and written last, when everything it describes is on the disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from dcdist.disk.durable import remove_file, replace_file
from dcdist.disk.own_file import WRITE, read_own, stranger
from dcdist.disk.private_folder import private_folder
from dcdist.errors import DiskError
from dcdist.folder_sync import sync_folder
from dcdist.model import pieces as bits
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits

DATA = "data"
RESUME = "resume"
CLEAN = "clean"

_CLEAN_LIMIT = 4096
_RESUME_LIMIT = MIB


@dataclass(frozen=True, slots=True)
class Clean:
    """The content of `clean`: the data file's size (bytes) and modification time, and digests (hex).

    `have` is the digest of the pieces had, `hashes` of the piece hashes: pieces of another index prove nothing.
    """

    size: int
    mtime_ns: int
    complete: bool
    have: str
    hashes: str


class PieceJournal:
    """The journal of one layer's folder. All calls block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def trusted(self, index: Index) -> Bits | None:
        """The pieces had, if the last session ended cleanly and nothing has changed since; else None."""
        with suppress(FileNotFoundError), private_folder(self._folder) as folder:
            clean = _matching(folder)
            resume = read_own(folder, RESUME, limit=_RESUME_LIMIT)
            if clean is not None and resume is not None:
                have = bits.from_bytes(resume)
                expected = _clean(index, have, clean.size, clean.mtime_ns)
                if clean == expected and clean.size == index.geometry.length:
                    return have
        return None

    def remembered(self, index: Index) -> Bits:
        """The pieces that were had when a session last ended cleanly, whatever happened to the data file since."""
        with suppress(FileNotFoundError), private_folder(self._folder) as folder:
            resume = read_own(folder, RESUME, limit=_RESUME_LIMIT)
            return bits.from_bytes(resume or b"") & bits.span(0, index.geometry.piece_count)
        return 0

    def says_complete(self) -> bool:
        """Whether the last session ended cleanly with all pieces, and the data file has not changed since."""
        with suppress(OSError, DiskError), private_folder(self._folder) as folder:
            clean = _matching(folder)
            return clean is not None and clean.complete
        return False

    def doubt(self) -> None:
        """Have all pieces checked, until `trust` is called."""
        with suppress(FileNotFoundError), private_folder(self._folder) as folder:
            if remove_file(folder, CLEAN):
                sync_folder(folder)

    def trust(self, index: Index, have: Bits) -> None:
        """Sync the data file, then record that it has these pieces."""
        with private_folder(self._folder) as folder:
            data = os.open(DATA, WRITE, dir_fd=folder)
            try:
                os.fsync(data)
                status = os.fstat(data)
            finally:
                os.close(data)
            replace_file(folder, RESUME, bits.to_bytes(have, index.geometry.piece_count))
            clean = _clean(index, have, status.st_size, status.st_mtime_ns)
            replace_file(folder, CLEAN, json.dumps(asdict(clean)).encode())


def _clean(index: Index, have: Bits, size: int, mtime_ns: int) -> Clean:
    count = index.geometry.piece_count
    return Clean(
        size=size,
        mtime_ns=mtime_ns,
        complete=have == bits.span(0, count),
        have=hashlib.sha256(have.to_bytes((max(have.bit_length(), count) + 7) // 8, "little")).hexdigest(),
        hashes=hashlib.sha256(b"%d:" % index.geometry.piece_length + index.piece_hashes).hexdigest(),
    )


def read_clean(data: bytes) -> Clean | None:
    """The content of `clean`; None if it is damaged."""
    try:
        clean = Clean(**json.loads(data))
    except (ValueError, TypeError, RecursionError):
        return None
    typed = (
        type(clean.size) is type(clean.mtime_ns) is int
        and type(clean.complete) is bool
        and type(clean.have) is type(clean.hashes) is str
    )
    return clean if typed else None


def _matching(folder: int) -> Clean | None:
    """The content of `clean`, if the data file still has the recorded size and time."""
    data = read_own(folder, CLEAN, limit=_CLEAN_LIMIT)
    clean = read_clean(data or b"")
    try:
        status = os.stat(DATA, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode) or stranger(status):
        return None
    return clean if clean and (clean.size, clean.mtime_ns) == (status.st_size, status.st_mtime_ns) else None
