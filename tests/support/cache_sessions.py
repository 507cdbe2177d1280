"""Sessions of a layer in a directory cache: what writers do and what the next one finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model.pieces import of
from tests.support.layers import SampleLayer, sample_layer

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.disk import DirectoryCache
    from dcdist.disk.layer_file import LayerFile

SAMPLE = sample_layer()
LAYER = "00000000000000000000000000000001"
ALL = 0b1_1111_1111


def put(layer: LayerFile, *pieces: int, sample: SampleLayer = SAMPLE) -> None:
    """Write pieces and record them."""
    with layer.path.open("r+b") as file:
        for piece in pieces:
            file.seek(piece * sample.index.geometry.piece_length)
            file.write(sample.piece(piece))
    layer.add(of(pieces))


async def fill(cache: DirectoryCache, *pieces: int, clean: bool = True) -> Path:
    """A session that puts pieces; gives the data file."""
    layer = await cache.open(SAMPLE.index)
    put(layer, *pieces)
    await layer.close(clean=clean)
    return layer.path


async def reopen(cache: DirectoryCache) -> tuple[int, list[int]]:
    """What the layer has now, and what was told of checking it; everything is checked the next time too."""
    told: list[int] = []
    layer = await cache.open(SAMPLE.index, checked=told.append)
    await layer.close(clean=False)
    return layer.have, told
