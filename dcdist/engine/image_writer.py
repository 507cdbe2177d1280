"""Builds the images: each frame that arrives is written to all its places, in any order.

The loop only hands out numbers; all else runs in the threads of the frame reader.

Invariant: an image is whole when each of its bytes that is not zero was written once, out of a frame that was checked.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

from dcdist.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dcdist.engine.fetch_plan import FetchPlan
    from dcdist.engine.frame_source import FrameReader, FrameSource
    from dcdist.engine.placements import LayerPlacements
    from dcdist.ports.images import ImageFile

_BATCH = 8
"""Frames of one task of a thread: enough to make the hand-over cheap, few enough to keep memory small."""


class ImageWriter:
    """Takes frames that are here, gives images."""

    def __init__(
        self, plan: FetchPlan, files: Sequence[ImageFile], frames: FrameReader, *, written: Callable[[int], None]
    ) -> None:
        """`files` are those of the plan's images, in order. `written` gets the bytes that each batch wrote."""
        self._files = files
        self._frames = frames
        self._written = written
        self._placements = {layer.index.layer: layer.placements for layer in plan.layers}
        self._left = [planned.extents.content_length for planned in plan.images]
        self._whole = [asyncio.Event() for _ in plan.images]
        self._batches: asyncio.Queue[tuple[FrameSource, Sequence[int]]] = asyncio.Queue()
        self._count({})

    def frames_arrived(self, source: FrameSource, frames: Sequence[int]) -> None:
        """Queue frames whose pieces are all here."""
        for first in range(0, len(frames), _BATCH):
            self._batches.put_nowait((source, frames[first : first + _BATCH]))

    async def wait_for_image(self, number: int) -> None:
        """Return when an image is whole."""
        await self._whole[number].wait()

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            IntegrityError: A frame is wrong although its pieces passed their check.
            DiskError: The disk refused.
        """
        async with asyncio.TaskGroup() as group:
            for _ in range(self._frames.threads):
                group.create_task(self._work())

    async def _work(self) -> None:
        while True:
            source, frames = await self._batches.get()
            written: Counter[int] = Counter()
            await self._frames.read(source, frames, partial(self._write, self._placements[source.name], written))
            self._written(written.total())
            self._count(written)

    def _write(self, placements: LayerPlacements, written: Counter[int], frame: int, plain: memoryview) -> None:
        """Write a frame to its places, in a thread; `written` counts the bytes of each image."""
        for place in placements.of(frame):
            self._files[place.image].write(place.offset, plain[place.start : place.start + place.length])
            written[place.image] += place.length

    def _count(self, written: Mapping[int, int]) -> None:
        for image, count in written.items():
            self._left[image] -= count
        for left, whole in zip(self._left, self._whole, strict=True):
            if left < 0:
                raise InvariantError("more bytes were written to an image than it has")
            if left == 0:
                whole.set()
