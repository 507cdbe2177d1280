"""Images on this host's disk: written in any order; under its name an image is whole or not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class Destination(Protocol):
    """The folder that images are fetched to."""

    async def create(self, name: str, size: int) -> ImageFile:
        """Begin an image of `size` bytes; what an unfinished build of it left is replaced.

        Raises:
            CacheBusyError: Another process is building it there.
            DiskFullError: There is no room.
            DiskError: The disk refused, or `name` would be outside of the folder.
        """
        ...

    async def has(self, name: str, size: int, digest: bytes) -> bool:
        """Whether the image is there with that SHA-256; unchanged since it was finished here, it is not read again."""
        ...

    async def remember(self, name: str, digest: bytes) -> None:
        """Record the SHA-256 of the finished image."""
        ...

    async def write_metadata(self, path: str, content: bytes, *, executable: bool = False) -> None:
        """Write one metadata file under `metadata/`, whole or not at all."""
        ...

    async def need(self, sizes: Mapping[str, int]) -> SpaceNeeded:
        """The space to build images of these sizes (bytes, less zeros if known), less what unfinished ones hold."""
        ...

    async def free(self) -> int:
        """Bytes that can still be written there."""
        ...
