"""Small valid objects of each format, and a way to bend them into invalid ones."""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgpack
import zstandard

from dcdist.formats import columns, extents, index
from dcdist.model.extent import Extents
from dcdist.model.geometry import Geometry
from dcdist.model.identity import Digest, LayerName, ReleaseName
from dcdist.model.layer import FrameTable, Index
from dcdist.model.release import Image, LayerEntry, MetadataFile, Release

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LAYER = LayerName("00112233445566778899aabbccddeeff")
OTHER_LAYER = LayerName("ffeeddccbbaa99887766554433221100")
NAUGHT = Digest(bytes(32))

Plain: TypeAlias = "int | float | str | bytes | list[Plain] | dict[str, Plain] | None"


def digest(data: bytes) -> Digest:
    """The SHA-256 of `data`."""
    return Digest(hashlib.sha256(data).digest())


def release(
    *,
    images: Sequence[Image] = (),
    layers: Sequence[LayerEntry] = (),
    metadata: Sequence[MetadataFile] = (),
    serial: int = 1,
) -> Release:
    """`web-demo@3` of these."""
    return Release(ReleaseName("web-demo", "3"), serial, tuple(images), tuple(layers), tuple(metadata))


def image(name: str = "web.xva", size: int = 1) -> Image:
    """An image with made-up digests."""
    return Image(name, size, NAUGHT, NAUGHT)


def make_index(lengths: Sequence[int] = (1000, 500, 24), plain_lengths: Sequence[int] = (4000, 4000, 30)) -> Index:
    """An index of frames of these lengths, with made-up hashes."""
    geometry = Geometry.for_length(sum(lengths))
    digests = b"".join(digest(b"%d" % number) for number in range(len(lengths)))
    frames = FrameTable(columns.starts(lengths), columns.starts(plain_lengths), digests)
    return Index(LAYER, geometry, bytes(range(20)) * geometry.piece_count, frames, digest(b"chunks"))


def index_entry(data: bytes, made: Index) -> LayerEntry:
    """What a manifest says of the layer whose index object `data` is."""
    return LayerEntry(made.layer, made.geometry.length, digest(data))


def decode_index(data: bytes, length: int = 1524) -> Index:
    """Decode an index object as a manifest that names just it would have it."""
    return index.decode(data, LayerEntry(LAYER, length, digest(data)))


def make_extents(*rows: tuple[int, int, int], layers: Iterable[LayerName] = (LAYER, OTHER_LAYER)) -> Extents:
    """Extents from rows of source, start, length."""
    sources, starts, lengths = (array("H"), array("Q"), array("Q"))
    for source, start, length in rows:
        sources.append(source)
        starts.append(start)
        lengths.append(length)
    return Extents(sum(lengths), tuple(layers), sources, starts, lengths)


def decode_extents(data: bytes, size: int) -> Extents:
    """Decode an extents object as a manifest that names just it would have it."""
    return extents.decode(data, Image("web.xva", size, NAUGHT, digest(data)))


@dataclass(slots=True)
class Opened:
    """An object taken apart: its kind, its version, its map."""

    kind: Plain
    version: Plain
    body: dict[str, Plain]

    def packed(self) -> bytes:
        """The object that these make."""
        return self.packed_around(msgpack.packb(self.body))

    def packed_around(self, plain: bytes) -> bytes:
        """The object with other bytes in place of its map."""
        frame = zstandard.ZstdCompressor(level=3, write_checksum=False).compress(plain)
        return msgpack.packb([self.kind, self.version, frame])


def take_apart(data: bytes) -> Opened:
    """Take a valid object apart."""
    kind, version, frame = msgpack.unpackb(data)
    return Opened(kind, version, msgpack.unpackb(zstandard.decompress(frame)))


def changed(data: bytes, **fields: Plain) -> bytes:
    """A valid object with some fields of its map replaced."""
    opened = take_apart(data)
    opened.body.update(fields)
    return opened.packed()


def without(data: bytes, key: str) -> bytes:
    """A valid object that lacks a field of its map."""
    opened = take_apart(data)
    del opened.body[key]
    return opened.packed()
