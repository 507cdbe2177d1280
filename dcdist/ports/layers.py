"""Layers on this host's disk: what is in the cache, and what may be written.

A piece counts as had only after its SHA-1 was checked, in this run or in one that ended cleanly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from dcdist.model.identity import LayerName
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits
    from dcdist.model.space import SpaceNeeded

LAYERS_FOLDER: Final = "layers"
"""The folder of layers, in the folder of the cache."""


class LayerReader(Protocol):
    """Reads the data of one layer. All calls block. Used as a context, which closes it."""

    @property
    def place(self) -> str:
        """Where the data lie, for messages."""
        ...

    @property
    def length(self) -> int:
        """Bytes of the data file."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """The bytes that are at `start` now: `length` of them, fewer only at the end of the file.

        May be called in several threads at once. What is not checked yet may be anything, zeros for example.

        Raises:
            DiskError: The disk refused.
        """
        ...

    def close(self) -> None:
        """End it. Closing twice does nothing."""
        ...

    def __enter__(self) -> Self:
        """Itself."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close it."""
        ...


class CachedLayer(Protocol):
    """One layer in the cache, open: for a writer, which holds its lock, or complete and for readers only."""

    @property
    def index(self) -> Index:
        """The layer's index."""
        ...

    @property
    def path(self) -> Path:
        """The data file, of the layer's full length, sparse where pieces are missing: for the swarm, which writes it.

        All others read through `reader`; for them it is a name in messages.
        """
        ...

    @property
    def have(self) -> Bits:
        """The pieces that are checked and in the file."""
        ...

    @property
    def damaged(self) -> Bits:
        """The pieces that were had once but failed their check when the layer was opened: they are not had."""
        ...

    @property
    def complete(self) -> bool:
        """Whether it has all pieces."""
        ...

    def add(self, pieces: Bits) -> None:
        """Record pieces that were checked and written."""
        ...

    def reader(self) -> LayerReader:
        """Open the data for reading; blocks. It stays open when the layer is closed.

        Raises:
            DiskError: The disk refused.
        """
        ...

    async def close(self, *, clean: bool) -> None:
        """Give up the lock. With `clean` the data are synced and `have` is trusted next time; else it is checked.

        Whoever writes the data file must be done with it (or, of a complete layer, have flushed it). A reader that
        found the data damaged closes without `clean`, also after a clean close; else closing twice does nothing.
        """
        ...


class Cache(Protocol):
    """All layers of this host."""

    async def open(self, index: Index, *, checked: Callable[[int], None] | None = None) -> CachedLayer:
        """Open a layer, creating it if need be. After an unclean stop all its pieces are checked first.

        `checked` gets the bytes checked so far.

        Raises:
            CacheBusyError: Another process is writing it; ask again later.
            DiskFullError: There is no room.
            DiskError: The disk refused.
        """
        ...

    async def complete_layers(self) -> Sequence[LayerName]:
        """The layers that are whole, as recorded at their last clean close."""
        ...

    def reader(self, layer: LayerName) -> LayerReader:
        """Open the data of a layer that is in the cache, unchecked; blocks.

        Raises:
            DiskError: There is none, or the disk refused.
        """
        ...

    async def read_index(self, layer: LayerName) -> bytes | None:
        """The index object of a layer as `save_index` kept it; None if there is none."""
        ...

    async def save_index(self, layer: LayerName, data: bytes) -> None:
        """Keep a layer's index object."""
        ...

    async def need(self, lengths: Mapping[LayerName, int]) -> SpaceNeeded:
        """The room for what the layers of these lengths (bytes) lack here."""
        ...
