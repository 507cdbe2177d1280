"""New layers: frames in, layers in the store out, each at most so long, with index and chunk list.

Invariant: an object of a layer is written once and never replaced. Where other bytes stand already (the layer was
inherited from a dead publish), the layer goes on under a new name.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dcdist.errors import InvariantError
from dcdist.formats import chunks, index, object_names
from dcdist.formats.chunks import ChunkList
from dcdist.model.geometry import SEGMENT_LENGTH, Geometry
from dcdist.model.identity import Digest, LayerName
from dcdist.model.layer import FrameTable, Index
from dcdist.model.release import LayerEntry
from dcdist.publishing.publish_events import LayerFinished
from dcdist.publishing.writing.piece_hashes import PieceHashes
from dcdist.publishing.writing.uploads import LayerNames
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from dcdist.publishing.publish_events import PublishEvent
    from dcdist.publishing.writing.packer_pool import PackedFrame
    from dcdist.publishing.writing.uploads import Uploads

# A layer of very compressible frames ends before its chunk list gets too long for readers.
_CHUNKS_LIMIT: Final = chunks.COUNT_LIMIT // 2

# A dead publish may have left other objects under one name; under a new, random one only somebody who means harm does.
_NAMES_LIMIT: Final = 4


@dataclass(frozen=True, slots=True)
class NewLayer:
    """A layer that is in the store now; its plain bytes begin at `stream_start` of the new stream."""

    entry: LayerEntry
    stream_start: int
    plain_length: int


class LayerWriter:
    """Cuts the new stream into layers of at most `limit` bytes, at frame boundaries."""

    def __init__(
        self, uploads: Uploads, group: asyncio.TaskGroup, *, limit: int, report: Callable[[PublishEvent], None]
    ) -> None:
        self._uploads = uploads
        self._group = group
        self._limit = limit
        self._report = report
        self._stream = 0
        self._open: _OpenLayer | None = None
        self._finishing: list[asyncio.Task[NewLayer]] = []

    @property
    def stream(self) -> int:
        """Plain bytes of the new stream so far: where the next frame will begin in it."""
        return self._stream

    @property
    def finished(self) -> int:
        """Layers that take no more frames."""
        return len(self._finishing)

    @property
    def open_length(self) -> int:
        """Bytes of the layer that takes frames now."""
        return self._open.length if self._open else 0

    async def add(self, frame: PackedFrame) -> None:
        """Add the next frame; waits while too many segments are on their way."""
        layer = self._open
        if layer is not None and not layer.has_room(frame, self._limit):
            await self._end_layer(layer)
            layer = None
        if layer is None:
            layer = self._open = _OpenLayer(self._uploads.next_layer(), self._stream)
        for segment in await in_thread(layer.append, frame):
            await self._upload(layer, segment)
        self._stream += frame.plain_length

    async def finish(self) -> list[NewLayer]:
        """End the last layer; returns all, in order, once they are in the store."""
        if self._open is not None:
            await self._end_layer(self._open)
        return [await task for task in self._finishing]

    async def _end_layer(self, layer: _OpenLayer) -> None:
        self._open = None
        if layer.buffer:
            await self._upload(layer, layer.buffer)
        self._finishing.append(self._group.create_task(self._finish(layer)))

    async def _upload(self, layer: _OpenLayer, segment: bytearray) -> None:
        task = await self._uploads.begin_segment(layer.names, layer.segments, segment)
        layer.uploads.append(task)
        layer.segments += 1

    async def _finish(self, layer: _OpenLayer) -> NewLayer:
        for upload in layer.uploads:
            await upload
        chunk_list, digest = await in_thread(layer.chunk_list)
        hashes = await in_thread(layer.pieces.finish)
        for _ in range(_NAMES_LIMIT):
            name = layer.names.current
            await self._uploads.gather_segments(layer.names, layer.segments)
            data = await in_thread(index.encode, layer.index(name, hashes, digest))
            if await self._uploads.put_once(
                object_names.layer_chunks(name), chunk_list
            ) and await self._uploads.put_once(object_names.layer_index(name), data):
                self._report(LayerFinished(name, layer.length))
                entry = LayerEntry(name, layer.length, _digest(data))
                return NewLayer(entry, layer.stream_start, layer.plain_starts[-1])
            layer.names.replace(name)
        raise self._uploads.taken(object_names.layer_index(layer.names.current))


class _OpenLayer:
    """A layer that takes frames: everything that its index will say, and the segment that is not full."""

    def __init__(self, name: LayerName, stream_start: int) -> None:
        self.names = LayerNames(name)
        self.stream_start = stream_start
        self.buffer = bytearray()
        self.segments = 0
        self.uploads: list[asyncio.Task[None]] = []
        self.pieces = PieceHashes()
        self.starts = array("Q", [0])
        self.plain_starts = array("Q", [0])
        self._digests = bytearray()
        self._chunk_digests = bytearray()
        self._chunk_lengths = array("I")

    @property
    def length(self) -> int:
        """Bytes so far."""
        return self.starts[-1]

    def has_room(self, frame: PackedFrame, limit: int) -> bool:
        """Whether the frame still goes into this layer."""
        return (
            self.length + len(frame.data) <= limit
            and len(self._chunk_lengths) + len(frame.chunk_lengths) <= _CHUNKS_LIMIT
        )

    def append(self, frame: PackedFrame) -> list[bytearray]:
        """Take a frame; returns the segments that it filled. Blocks."""
        self.pieces.update(frame.data)
        self.starts.append(self.length + len(frame.data))
        self.plain_starts.append(self.plain_starts[-1] + frame.plain_length)
        self._digests += frame.digest
        self._chunk_digests += frame.chunk_digests
        self._chunk_lengths.extend(frame.chunk_lengths)
        return list(self._fill(memoryview(frame.data)))

    def chunk_list(self) -> tuple[bytes, Digest]:
        """The chunk list object, and its SHA-256. Blocks."""
        data = chunks.encode(ChunkList(bytes(self._chunk_digests), self._chunk_lengths))
        return data, _digest(data)

    def index(self, name: LayerName, piece_hashes: bytes, chunks_digest: Digest) -> Index:
        """The index under that name."""
        frames = FrameTable(self.starts, self.plain_starts, bytes(self._digests))
        return Index(name, Geometry.for_length(self.length), piece_hashes, frames, chunks_digest)

    def _fill(self, data: memoryview) -> Iterator[bytearray]:
        while data:
            part, data = data[: SEGMENT_LENGTH - len(self.buffer)], data[SEGMENT_LENGTH - len(self.buffer) :]
            self.buffer += part
            if len(self.buffer) > SEGMENT_LENGTH:
                raise InvariantError("a segment grew beyond its length")
            if len(self.buffer) == SEGMENT_LENGTH:
                yield self.buffer
                self.buffer = bytearray()


def _digest(data: bytes) -> Digest:
    return Digest(hashlib.sha256(data).digest())
