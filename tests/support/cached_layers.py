"""A cached layer without a cache: a file in a folder, and what is said to be had of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.disk.layer_reader import LayerFileReader
from dcdist.model.pieces import Bits, each, span

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.model.layer import Index
    from tests.support.layers import SampleLayer


@dataclass
class FileLayer:
    """Implements `CachedLayer`."""

    index: Index
    path: Path
    have: Bits
    damaged: Bits = 0

    @property
    def complete(self) -> bool:
        """Whether all pieces are had."""
        return self.have == everything(self.index)

    def add(self, pieces: Bits) -> None:
        """Record pieces."""
        self.have |= pieces

    def reader(self) -> LayerFileReader:
        """Opens the data file."""
        return LayerFileReader(self.path)

    async def close(self, *, clean: bool) -> None:
        """There is nothing to close."""

    def read(self, piece: int) -> bytes:
        """The bytes of a piece as they are in the file now."""
        geometry = self.index.geometry
        with self.path.open("rb") as file:
            file.seek(piece * geometry.piece_length)
            return file.read(geometry.piece_size(piece))


def file_layer(folder: Path, sample: SampleLayer, have: Bits = 0, *, corrupt: Bits = 0) -> FileLayer:
    """A layer in `folder` that has some pieces, of which the corrupt ones hold other bytes than they should."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "data"
    with path.open("wb") as file:
        file.truncate(sample.index.geometry.length)
        for piece in each(have):
            file.seek(piece * sample.index.geometry.piece_length)
            content = sample.piece(piece)
            file.write(bytes(len(content)) if corrupt >> piece & 1 else content)
    return FileLayer(sample.index, path, have)


def everything(index: Index) -> Bits:
    """All pieces of a layer."""
    return span(0, index.geometry.piece_count)
