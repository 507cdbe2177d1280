"""Reads a layer's data file for others. Invariant: every refusal of the system becomes a DiskError here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from dcdist.disk.own_file import READ
from dcdist.disk.shared_descriptor import SharedDescriptor
from dcdist.disk.system_errors import refusals

if TYPE_CHECKING:
    from pathlib import Path


class LayerFileReader:
    """Implements `LayerReader`; made by `DirectoryCache.reader` and `LayerFile.reader`."""

    def __init__(self, path: Path) -> None:
        """Open the data file at `path`.

        Raises:
            DiskError: There is none, or the disk refused.
        """
        self._path = path
        with refusals(path, "read layer"):
            descriptor = os.open(path, READ)
        self._file = SharedDescriptor(descriptor, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def place(self) -> str:
        """The path of the data file."""
        return str(self._path)

    @property
    def length(self) -> int:
        """Bytes of the data file."""
        with self._file.use() as descriptor, refusals(self._path, "read layer"):
            return os.fstat(descriptor).st_size

    def read(self, start: int, length: int) -> bytes:
        """The bytes that are at `start` now: `length` of them, fewer only at the end of the file.

        Raises:
            DiskError: The disk refused.
            InvariantError: It is closed.
        """
        with refusals(self._path, "read layer"):
            return self._file.read(start, length)

    def close(self) -> None:
        """Close the file, when no call uses it any more. Closing twice does nothing."""
        self._file.close()
