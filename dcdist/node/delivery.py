"""The images of one fetch on their way to its destination: looked for, begun, placed, complete.

Invariant: nothing in the destination changes before `begin`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.engine.fetch_events import ImageFinished, MetadataWritten, Waiting
from dcdist.engine.preparation import choose_images
from dcdist.model.identity import LayerName
from dcdist.ports.images import InPlace

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.engine.fetch_plan import FetchPlan
    from dcdist.model.release import Image, Release
    from dcdist.model.space import SpaceNeeded
    from dcdist.ports.images import Destination, ImageFile

_NO_LAYER = LayerName("")


class Delivery:
    """One fetch's use of its destination. `destination` is closed by whoever opened it."""

    def __init__(
        self,
        destination: Destination,
        release: Release,
        options: FetchOptions,
        report: Callable[[FetchEvent], None],
    ) -> None:
        """Choose the images.

        Raises:
            UsageError: The release has not got one that `options` ask for.
        """
        self._destination = destination
        self._release = release
        self._check = options.check
        self._report = report
        self.images = () if options.metadata_only else choose_images(release, options.images)
        """Those asked for."""
        self._found: dict[str, InPlace] = {}

    @property
    def missing(self) -> list[Image]:
        """The images to bring; known after `prepare`."""
        return [image for image in self.images if self._found[image.name] is InPlace.ABSENT]

    async def prepare(self) -> None:
        """Wait for other fetches to end, look at what is there, and check that all else can be put there.

        Raises:
            DiskError: It cannot, or something there cannot be read.
        """
        await self._destination.acquire(waiting=lambda reason: self._report(Waiting(_NO_LAYER, reason)))
        for image in self.images:
            self._found[image.name] = await self._destination.look(image, read=self._check)
        await self._destination.require_places()

    async def need(self, plan: FetchPlan) -> SpaceNeeded:
        """The space for the images of the plan."""
        return await self._destination.need({each.image.name: each.extents.content_length for each in plan.images})

    async def create(self, plan: FetchPlan, stack: AsyncExitStack) -> list[ImageFile]:
        """Begin the images of the plan, under temporary names; `stack` abandons those that are not finished by then."""
        files: list[ImageFile] = []
        for each in plan.images:
            file = await self._destination.create(each.image.name, each.image.size)
            stack.push_async_callback(file.abandon)
            files.append(file)
        return files

    async def begin(self) -> None:
        """Write the metadata."""
        await self._destination.begin(self.images)
        self._report(MetadataWritten(len(self._release.metadata)))

    def tell_found(self) -> None:
        """Report the images that were there."""
        for image in self.images:
            if (found := self._found[image.name]) is not InPlace.ABSENT:
                self._report(ImageFinished(image.name, image.size, in_place=True, read=found is InPlace.READ))

    async def place(self, image: Image, file: ImageFile) -> None:
        """Give an image its name."""
        await self._destination.place(image, file)
        self._report(ImageFinished(image.name, image.size))

    async def complete(self) -> None:
        """All images are in place: remove what this release does not have, and let other fetches write."""
        await self._destination.complete()
