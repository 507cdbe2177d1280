"""The folder of one layer, `data`, `index`, `resume`, `clean` and `lock`. All calls block.

Invariant: only the holder of the lock changes `data`, and only after `begin`. The folder is private, and so is what
leads to it: libtorrent opens `data` by its path.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.disk.durable import replace_file
from dcdist.disk.folder_lock import FolderLock
from dcdist.disk.free_space import allocated_bytes
from dcdist.disk.own_file import open_own, read_own
from dcdist.disk.piece_journal import DATA, PieceJournal
from dcdist.disk.private_folder import make_private_folder, private_folder
from dcdist.disk.system_errors import refusals
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.disk.lock import Holder
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
        self._lock = FolderLock(self.lock_path)

    @property
    def data(self) -> Path:
        """The data file."""
        return self._path / DATA

    @property
    def lock_path(self) -> Path:
        """The file of the lock."""
        return self._path / _LOCK

    @property
    def is_locked(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.held

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

    def lock(self) -> Holder | None:
        """Become the only writer; create the folder if needed. Returns the other writer, if there is one.

        Raises:
            DiskError: The disk refused, or other users may write there.
        """
        with refusals(self._path, "lock layer"):
            self._make()
            holder = self._lock.take()
            if holder is None:
                return None
            # Its data change while it fetches: also a sign of life.
            with suppress(FileNotFoundError):
                return replace(holder, touched=max(holder.touched, self.data.lstat().st_mtime_ns))
            return holder

    def touch(self) -> None:
        """Show who waits for the lock that this process lives, if it holds it."""
        self._lock.touch()

    def break_lock(self) -> None:
        """Remove the file of the lock, which another holds; the next one makes a new one."""
        with refusals(self._path, "unlock layer"):
            self._lock.remove_file()

    def unlock(self) -> None:
        """Release the lock, if it is held."""
        self._lock.release()

    def begin(self, length: int) -> tuple[bool, str]:
        """Put the journal in doubt and give `data` its full length (bytes), sparse.

        Returns whether it had any, and why what stood there was removed, in words.
        """
        with refusals(self.data, "create layer", needed=lambda: length - allocated_bytes(self.data)):
            self._journal.doubt()
            with private_folder(self._path) as folder:
                descriptor, removed = open_own(folder, DATA)
            try:
                before = os.fstat(descriptor)
                if before.st_size != length:
                    os.ftruncate(descriptor, length)
            finally:
                os.close(descriptor)
        return before.st_size > 0, removed

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
                with private_folder(self._path) as folder:
                    return read_own(folder, _INDEX, limit=_INDEX_LIMIT)
            except FileNotFoundError:
                return None

    def save_index(self, data: bytes) -> None:
        """Keep the index object."""
        with refusals(self._path / _INDEX, "write", needed=lambda: len(data)):
            self._make()
            with private_folder(self._path) as folder:
                replace_file(folder, _INDEX, data)

    def _make(self) -> None:
        for folder in (self._path.parents[1], self._path.parent, self._path):
            make_private_folder(folder)
