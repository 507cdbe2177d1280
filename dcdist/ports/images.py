"""Images on this host's disk: written in any order; under its name an image is whole or not there."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dcdist.model.release import Image
    from dcdist.model.space import SpaceNeeded


class ImageFile(Protocol):
    """One image that is being built, under a temporary name; zeros where nothing is written."""

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Write at `offset`; blocks, and may be called in several threads at once.

        Raises:
            DiskFullError: There is no room.
            DiskError: The disk refused.
        """
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Read back `length` bytes; blocks."""
        ...

    async def finish(self) -> None:
        """Sync, rename to the final name, sync the folder."""
        ...

    async def abandon(self) -> None:
        """Close and delete it."""
        ...


class InPlace(Enum):
    """Whether an image is in the destination already, and how that is known."""

    ABSENT = "absent"
    """It is not there, or something else is."""
    UNREAD = "unread"
    """It was found to be the image before, and nothing has happened to it since."""
    READ = "read"
    """It was read now."""


class Destination(Protocol):
    """The folder that one release is fetched to. Its calls come in this order."""

    async def acquire(self, *, waiting: Callable[[str], None]) -> None:
        """Become the only fetch that writes there; `waiting` is told in words whom it waits for, if it must.

        Raises:
            CacheBusyError: The one that holds it shows no sign of life.
            DiskError: The folder cannot be made or written to.
        """
        ...

    async def look(self, image: Image, *, read: bool = False) -> InPlace:
        """Whether an image is there already. Not changed since that was last known, it is read only with `read`.

        Raises:
            DiskError: It cannot be read, or a folder stands in its place.
        """
        ...

    async def require_places(self) -> None:
        """Check that the metadata can be put there.

        Raises:
            DiskError: Something stands in the way that dcdist does not remove.
        """
        ...

    async def need(self, sizes: Mapping[str, int]) -> SpaceNeeded:
        """The space to build images of these sizes (bytes, less zeros if known), less what unfinished ones hold."""
        ...

    async def create(self, name: str, size: int) -> ImageFile:
        """Begin an image of `size` bytes; what an unfinished build of it left is replaced.

        Raises:
            CacheBusyError: Another process is building it there.
            DiskFullError: There is no room.
            DiskError: The disk refused, or `name` would be outside of the folder.
        """
        ...

    async def begin(self, images: Sequence[Image]) -> None:
        """Record that the release with these images is on its way, and put its metadata in place of what was there.

        Nothing in the destination has changed before.
        """
        ...

    async def place(self, image: Image, file: ImageFile) -> None:
        """Finish an image, and record it."""
        ...

    async def complete(self) -> None:
        """Remove what an earlier release brought and this one has not; record that all is there; let others write."""
        ...
