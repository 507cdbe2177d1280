"""All images of a publish: opened together, so that a wrong name costs no time, and read one after the other."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from dcdist.errors import UsageError
from dcdist.formats.manifest import check_image_name
from dcdist.publishing.publish_events import ImageStarted
from dcdist.publishing.reading.image_input import ImageInput
from dcdist.tasks import in_thread, settled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from dcdist.formats.xva import Part
    from dcdist.publishing.publish_request import ImageSource


class InputImages:
    """Open images in start order."""

    def __init__(self, inputs: Sequence[ImageInput]) -> None:
        self.inputs = inputs
        sizes = [each.size for each in inputs]
        self.total = None if None in sizes else sum(size for size in sizes if size is not None)
        """Bytes of all files; None if one is a pipe."""

    @property
    def read(self) -> int:
        """Bytes taken from all files so far."""
        return sum(each.read for each in self.inputs)


@asynccontextmanager
async def open_images(sources: Sequence[ImageSource], *, allow_empty: bool = False) -> AsyncIterator[InputImages]:
    """Open all, and check that their names can stand in one release.

    Raises:
        UsageError: A name cannot be used, or is used twice.
        XvaError: A file is named like an XVA and is not one.
        FormatError: One is empty, and `allow_empty` is not set.
        DiskError: A file cannot be read.
    """
    inputs = [ImageInput(source) for source in sources]
    try:
        for each in inputs:
            await in_thread(partial(each.open, allow_empty=allow_empty), interrupt=each.stop)
            check_image_name(each.name)
        names = [each.name for each in inputs]
        for name in names:
            if names.count(name) > 1:
                raise UsageError(f"two images are named {name!r}: hosts could not tell them apart")
        yield InputImages(inputs)
    finally:
        for each in inputs:
            each.close()


def started(image: ImageInput) -> ImageStarted:
    """What is reported when its reading begins."""
    if image.kind is None:
        return ImageStarted(image.name, image.size, image.is_xva)
    return ImageStarted(image.name, image.size, image.is_xva, image.kind.words, image.kind.compressed)


async def batches(image: ImageInput) -> AsyncGenerator[list[Part], None]:
    """The parts of an image, a few MiB at once; the next ones are read during the work on these. Close it when done.

    Raises:
        XvaError: It is a damaged XVA.
        InputChangedError: It changed since it was opened.
        DiskError: It cannot be read.
    """
    ahead = _next(image)
    try:
        while batch := await ahead:
            ahead = _next(image)
            yield batch
    finally:
        ahead.cancel()
        await settled(ahead)


def _next(image: ImageInput) -> asyncio.Task[list[Part]]:
    return asyncio.create_task(in_thread(image.batch, interrupt=image.stop))
