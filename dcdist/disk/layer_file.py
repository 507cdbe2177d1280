"""One open layer. Invariant: while it may be written, its lock is held and its journal is in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.disk.layer_reader import LayerFileReader
from dcdist.errors import InvariantError
from dcdist.model.pieces import span

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.disk.layer_folder import LayerFolder
    from dcdist.disk.threads import Threads
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits


class LayerFile:
    """Implements `CachedLayer`; made by `DirectoryCache.open`. A `writer` holds the lock of the folder.

    A writer may be closed as soon as it is complete and flushed, so that other processes can read the layer while
    this one goes on seeding it: its properties stay valid.
    """

    def __init__(
        self, index: Index, folder: LayerFolder, have: Bits, *, writer: bool, threads: Threads, damaged: Bits = 0
    ) -> None:
        self._index = index
        self._folder = folder
        self._have = have
        self._all = span(0, index.geometry.piece_count)
        self._damaged = damaged
        self._writer = writer
        self._threads = threads
        self._closed = False

    @property
    def index(self) -> Index:
        """The layer's index."""
        return self._index

    @property
    def path(self) -> Path:
        """The data file."""
        return self._folder.data

    @property
    def have(self) -> Bits:
        """The pieces that are checked and in the file."""
        return self._have

    @property
    def damaged(self) -> Bits:
        """The pieces that were had before and proved corrupt when the layer was opened."""
        return self._damaged

    @property
    def complete(self) -> bool:
        """Whether it has all pieces."""
        return self._have == self._all

    def add(self, pieces: Bits) -> None:
        """Record pieces that were checked and written.

        Raises:
            InvariantError: They are not pieces of this layer, or it was closed without them.
        """
        have = self._have | pieces
        if have == self._have:
            return
        if self._closed or have & ~self._all:
            raise InvariantError(
                f"layer {self._index.layer} cannot take more pieces: it is closed, or they are not its pieces"
            )
        self._have = have

    def reader(self) -> LayerFileReader:
        """Open the data for reading; blocks. It stays open when the layer is closed.

        Raises:
            DiskError: The disk refused.
        """
        return LayerFileReader(self.path)

    async def close(self, *, clean: bool) -> None:
        """Give up the lock; with `clean` the data are synced first and trusted next time.

        After a clean close, an unclean one still revokes that trust: a reader may find damage.

        Raises:
            DiskError: The sync or the journal failed; the lock is given up, and everything is checked next time.
        """
        if self._closed and clean:
            return
        self._closed = True
        await self._threads.run(self._end, clean)

    def _end(self, clean: bool) -> None:
        try:
            if not clean:
                self._folder.doubt()
            elif self._writer:
                self._folder.trust(self._index, self._have)
        finally:
            self._folder.unlock()
