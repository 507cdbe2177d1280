"""The folder of one layer, `data`, `index`, `resume`, `clean` and `lock`. All calls block.

Invariant: only the holder of the lock changes `data`, and only after `begin`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, read_file, replace_file
from dcdist.disk.free_space import allocated_bytes
from dcdist.disk.lock import FolderLock
from dcdist.disk.piece_journal import DATA, PieceJournal
from dcdist.disk.system_errors import refusals
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits

_INDEX = "index"
_LOCK = "lock"
_INDEX_LIMIT = 64 * MIB


class LayerFolder:
    """One layer's folder, which need not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._journal = PieceJournal(path)
        self._lock = FolderLock(path / _LOCK)

    @property
    def data(self) -> Path:
        """The data file."""
        return self._path / DATA

    def trusted(self, index: Index) -> Bits | None:
        """The pieces had, if the journal can be trusted; else None."""
        with refusals(self._path, "read the journal of layer"):
            return self._journal.trusted(index)

    def remembered(self, index: Index) -> Bits:
        """The pieces that were had when a session last ended cleanly."""
        with refusals(self._path, "read the journal of layer"):
            return self._journal.remembered(index)

    def says_complete(self) -> bool:
        """Whether the journal says that the layer has all pieces."""
        return self._journal.says_complete()

    def lock(self) -> None:
        """Become the only writer; create the folder if needed.

        Raises:
            CacheBusyError: There is another writer.
        """
        with refusals(self._path, "lock layer"):
            self._path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(what=f"layer {self._path.name}")

    def unlock(self) -> None:
        """Release the lock, if it is held."""
        self._lock.release()

    def begin(self, length: int) -> bool:
        """Put the journal in doubt and give `data` its full length (bytes), sparse. Returns whether it had any."""
        with refusals(self.data, "create layer", needed=lambda: length - allocated_bytes(self.data)):
            self._journal.doubt()
            descriptor = os.open(self.data, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            try:
                before = os.fstat(descriptor)
                if before.st_size != length:
                    os.ftruncate(descriptor, length)
            finally:
                os.close(descriptor)
        return before.st_size > 0

    def doubt(self) -> None:
        """Have every piece checked next time."""
        with refusals(self._path, "put in doubt the journal of layer"):
            self._journal.doubt()

    def trust(self, index: Index, have: Bits) -> None:
        """Sync `data` and have these pieces trusted next time."""
        with refusals(self._path, "sync layer"):
            self._journal.trust(index, have)

    def read_index(self) -> bytes | None:
        """The index object; None if there is none."""
        with refusals(self._path / _INDEX, "read"):
            try:
                with open_folder(self._path) as folder:
                    return read_file(folder, _INDEX, limit=_INDEX_LIMIT)
            except FileNotFoundError:
                return None

    def save_index(self, data: bytes) -> None:
        """Keep the index object."""
        with refusals(self._path / _INDEX, "write", needed=lambda: len(data)):
            self._path.mkdir(parents=True, exist_ok=True)
            with open_folder(self._path) as folder:
                replace_file(folder, _INDEX, data)
