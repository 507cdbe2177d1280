"""Gives the plain bytes of frames whose pieces are all here: read, checked and unpacked in a few threads.

Two kinds of consumer fit. `ImageWriter` reads frames as they arrive, in any order, and writes each to all its places.
A sink that streams an image stands beside it: its own `frames_arrived` notes which frames are here; it walks
`placements.parts`, waits for the frame of the next part, reads that one, and its `use` writes the bytes to the pipe.
`use` runs in one of the threads and may block there: that is the back-pressure, for nothing is read ahead of it.

Invariant: bytes are used only after their SHA-256 was checked, and each thread has one frame in memory at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Self

from dcdist.errors import IntegrityError
from dcdist.formats.frames import Unpacker
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from dcdist.model.identity import LayerName
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.swarm import SwarmLayer

Use = Callable[[int, memoryview], None]
"""Takes the number of a frame and its plain bytes, in a thread."""


@dataclass(frozen=True, slots=True)
class FrameSource:
    """One open layer that frames are taken from."""

    layer: CachedLayer
    swarm_layer: SwarmLayer

    @property
    def name(self) -> LayerName:
        """The layer's name."""
        return self.layer.index.layer


class FrameReader:
    """The threads that read frames. Used as a context; leaving it ends them."""

    def __init__(self, *, threads: int) -> None:
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dcdist-frames")
        self._unpackers: SimpleQueue[Unpacker] = SimpleQueue()
        for _ in range(threads):
            self._unpackers.put(Unpacker())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Joining the threads blocks; a frame takes milliseconds, so waiting elsewhere is enough.
        await in_thread(partial(self._pool.shutdown, wait=True, cancel_futures=True))

    async def read(self, source: FrameSource, frames: Sequence[int], use: Use) -> None:
        """Call `use` once for each of `frames`, whose pieces must be here: one after another, in one thread.

        Frames that are not in the file yet come last.

        Raises:
            IntegrityError: A frame is wrong although its pieces passed their check.
            FormatError: A frame was published that cannot be unpacked.
            DiskError: The disk refused.
        """
        wrong = await self._run(source, frames, use)
        if wrong:
            # Finished pieces may not be in the file yet: only after a flush is a wrong frame really wrong.
            await source.swarm_layer.flush()
            wrong = await self._run(source, wrong, use)
        if wrong:
            raise _wrong_frame(source, wrong[0])

    async def _run(self, source: FrameSource, frames: Sequence[int], use: Use) -> list[int]:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, source, frames, use)

    def _read(self, source: FrameSource, frames: Sequence[int], use: Use) -> list[int]:
        """Use the frames that pass their check; returns the others."""
        table, wrong = source.layer.index.frames, []
        unpacker = self._unpackers.get()
        try:
            with source.layer.reader() as reader:
                for number in frames:
                    frame = table[number]
                    data = reader.read(frame.start, frame.length)
                    try:
                        plain = memoryview(unpacker.unpack(frame, data))
                    except IntegrityError:
                        wrong.append(number)
                    else:
                        use(number, plain)
        finally:
            self._unpackers.put(unpacker)
        return wrong


def _wrong_frame(source: FrameSource, frame: int) -> IntegrityError:
    path = str(source.layer.path)
    return IntegrityError(
        f"frame {frame} of layer {source.name} in {path} is wrong although its pieces passed their check: the file was "
        "damaged since, or the release was published damaged. Run the same command again: it checks the layer "
        "and fetches the damaged part again",
        source=path,
    )
