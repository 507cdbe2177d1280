"""Builds the images: a frame whose pieces are all here is read, checked, unpacked and written to all its places.

Frames come in any order. Reading, hashing, unpacking and writing run in a few threads; the loop only hands out numbers.
Invariant: a frame is in `done` only when all its bytes are written.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from dcdist.errors import DiskError, IntegrityError, InvariantError
from dcdist.formats.frames import Unpacker
from dcdist.model import pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from dcdist.engine.placements import LayerPlacements
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits
    from dcdist.ports.images import ImageFile
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.swarm import SwarmLayer

_BATCH = 8
"""Frames of one task of a thread: enough to make the hand-over cheap, few enough to keep memory small."""


@dataclass(slots=True)
class Source:
    """One layer that frames are taken from; a flag a frame tells whether it is queued and whether it is written.

    `layer` and `swarm_layer` are set when the layer is open.
    """

    index: Index
    placements: LayerPlacements
    layer: CachedLayer | None = None
    swarm_layer: SwarmLayer | None = None
    queued: bytearray = field(init=False)
    done: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.queued = bytearray(len(self.index.frames))
        self.done = bytearray(len(self.index.frames))


@dataclass(slots=True)
class _Batch:
    source: Source
    frames: list[int] = field(default_factory=list)


class Assembly:
    """Takes pieces of layers that are here, gives images. Used as a context; leaving it ends its threads."""

    def __init__(self, images: Sequence[ImageFile], *, threads: int, written: Callable[[int], None]) -> None:
        """`written` is told the bytes written by each batch, and that frames are done."""
        self._images = images
        self._written = written
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dcdist-assembly")
        self._queue: asyncio.Queue[_Batch] = asyncio.Queue()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Joining the threads blocks; a frame takes milliseconds, so waiting elsewhere is enough.
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)

    def pieces_came(self, source: Source, came: Bits) -> None:
        """Queue the frames that these pieces completed."""
        if source.layer is None:
            raise InvariantError(f"pieces of layer {source.index.layer} came before it was open")
        frames, geometry = source.index.frames, source.index.geometry
        have = source.layer.have
        batch = _Batch(source)
        for piece in pieces.each(came):
            start = piece * geometry.piece_length
            for frame in frames.over(start, start + geometry.piece_size(piece)):
                if source.queued[frame] or not source.placements.is_used(frame):
                    continue
                over = geometry.pieces_over(frames.starts[frame], frames.starts[frame + 1])
                needed = pieces.span(over.start, over.stop)
                if have & needed != needed:
                    continue
                source.queued[frame] = 1
                batch.frames.append(frame)
                if len(batch.frames) == _BATCH:
                    self._queue.put_nowait(batch)
                    batch = _Batch(source)
        if batch.frames:
            self._queue.put_nowait(batch)

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            IntegrityError: A frame is wrong although its pieces passed their check.
            DiskError: The disk refused.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(self._threads):
                group.create_task(self._work())

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        unpacker = Unpacker()
        while True:
            batch = await self._queue.get()
            built = await loop.run_in_executor(self._pool, self._build, batch, unpacker)
            if len(built) < len(batch.frames) and batch.source.swarm_layer is not None:
                # Finished pieces may not be in the file yet: only after a flush is a wrong frame really wrong.
                await batch.source.swarm_layer.flush()
                rest = _Batch(batch.source, [frame for frame in batch.frames if frame not in built])
                built |= await loop.run_in_executor(self._pool, self._build, rest, unpacker)
            for frame in batch.frames:
                if frame not in built:
                    raise _wrong_frame(batch.source, frame)
                batch.source.done[frame] = 1
            self._written(sum(built.values()))

    def _build(self, batch: _Batch, unpacker: Unpacker) -> dict[int, int]:
        """Build the frames of a batch; gives the bytes written for each, without those that failed their check."""
        source = batch.source
        built: dict[int, int] = {}
        path = _path(source)
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise DiskError(f"cannot read {path}: {error.strerror}", path=path) from error
        try:
            for number in batch.frames:
                frame = source.index.frames[number]
                data = os.pread(file, frame.length, frame.start)
                try:
                    plain = memoryview(unpacker.unpack(frame, data))
                except IntegrityError:
                    continue
                written = 0
                for place in source.placements.of(number):
                    self._images[place.image].write(place.offset, plain[place.start : place.start + place.length])
                    written += place.length
                built[number] = written
        finally:
            os.close(file)
        return built


def _path(source: Source) -> str:
    return "" if source.layer is None else str(source.layer.path)


def _wrong_frame(source: Source, frame: int) -> IntegrityError:
    path = _path(source)
    return IntegrityError(
        f"frame {frame} of layer {source.index.layer} in {path} is wrong although its pieces passed their check: the "
        "file was damaged since, or the release was published damaged. Run the same command again: the layer is "
        "checked, and what is damaged is fetched anew",
        source=path,
    )
