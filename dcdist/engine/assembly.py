"""Builds the images: a frame whose pieces are all here is read, checked, unpacked and written to all its places.

Frames come in any order. Reading, hashing, unpacking and writing run in a few threads; the loop only hands out numbers.
Invariant: an image is whole when every byte of it that is not zero was written once, out of a frame that was checked.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from dcdist.errors import DiskError, IntegrityError, InvariantError
from dcdist.formats.frames import Unpacker
from dcdist.model import pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    from dcdist.engine.placements import LayerPlacements
    from dcdist.model.layer import Frame, Index
    from dcdist.model.pieces import Bits
    from dcdist.ports.images import ImageFile
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.swarm import SwarmLayer

_BATCH = 8
"""Frames of one task of a thread: enough to make the hand-over cheap, few enough to keep memory small."""


@dataclass(slots=True)
class Source:
    """One layer that frames are taken from; a flag a frame tells whether it was queued.

    `layer` and `swarm_layer` are set when the layer is open.
    """

    index: Index
    placements: LayerPlacements
    layer: CachedLayer | None = None
    swarm_layer: SwarmLayer | None = None
    queued: bytearray = field(init=False)

    def __post_init__(self) -> None:
        self.queued = bytearray(len(self.index.frames))


@dataclass(slots=True)
class _Batch:
    source: Source
    frames: list[int] = field(default_factory=list)


class Assembly:
    """Takes pieces of layers that are here, gives images. Used as a context; leaving it ends its threads."""

    def __init__(
        self, images: Sequence[ImageFile], lengths: Sequence[int], *, threads: int, written: Callable[[int], None]
    ) -> None:
        """`lengths`: the bytes of each image that are not zeros. `written` is told the bytes that each batch wrote."""
        self._images = images
        self._left = list(lengths)
        self._whole = [asyncio.Event() for _ in images]
        self._count({})
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

    async def wait_for_image(self, number: int) -> None:
        """Return when an image is whole."""
        await self._whole[number].wait()

    def _count(self, written: Mapping[int, int]) -> None:
        for image, count in written.items():
            self._left[image] -= count
        for left, whole in zip(self._left, self._whole, strict=True):
            if left < 0:
                raise InvariantError("more bytes were written to an image than it has")
            if left == 0:
                whole.set()

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
            wrong, written = await loop.run_in_executor(self._pool, self._build, batch, unpacker)
            self._note(written)
            if wrong and batch.source.swarm_layer is not None:
                # Finished pieces may not be in the file yet: only after a flush is a wrong frame really wrong.
                await batch.source.swarm_layer.flush()
                rest = _Batch(batch.source, wrong)
                wrong, written = await loop.run_in_executor(self._pool, self._build, rest, unpacker)
                self._note(written)
            if wrong:
                raise _wrong_frame(batch.source, wrong[0])

    def _note(self, written: Mapping[int, int]) -> None:
        self._written(sum(written.values()))
        self._count(written)

    def _build(self, batch: _Batch, unpacker: Unpacker) -> tuple[list[int], Counter[int]]:
        """Build the frames of a batch; gives those that failed their check, and the bytes written to each image."""
        source = batch.source
        wrong: list[int] = []
        written: Counter[int] = Counter()
        path = _path(source)
        with _reading(path) as file:
            for number in batch.frames:
                frame = source.index.frames[number]
                data = _read(file, frame, path)
                try:
                    plain = memoryview(unpacker.unpack(frame, data))
                except IntegrityError:
                    wrong.append(number)
                    continue
                for place in source.placements.of(number):
                    self._images[place.image].write(place.offset, plain[place.start : place.start + place.length])
                    written[place.image] += place.length
        return wrong, written


@contextmanager
def _reading(path: str) -> Iterator[int]:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DiskError(f"cannot read {path}: {error.strerror}", path=path) from error
    try:
        yield file
    finally:
        os.close(file)


def _read(file: int, frame: Frame, path: str) -> bytes:
    try:
        return os.pread(file, frame.length, frame.start)
    except OSError as error:
        raise DiskError(f"cannot read {frame.length} bytes of {path}: {error.strerror}", path=path) from error


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
