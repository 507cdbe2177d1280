"""Compares this host's files with what the signed manifest promises, by reading every byte.

Invariant: no earlier check is trusted, and nothing is written.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dcdist.errors import DiskError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dcdist.model.release import Release

_STEP = 32 << 20
"""Bytes between two reports, and until a cancelled check ends."""

_READ = 1 << 20


class Condition(Enum):
    """How a file compares with the manifest."""

    OK = "ok"
    MISSING = "missing"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class Verifying:
    """`done` of `total` bytes are read; `name` is the image that is being read."""

    name: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ImageVerified:
    """One image was compared; `size` is that of the manifest."""

    name: str
    size: int
    condition: Condition

    @property
    def title(self) -> str:
        """Its name in messages."""
        return self.name


@dataclass(frozen=True, slots=True)
class MetadataVerified:
    """One metadata file was compared; `path` is relative to `metadata/`."""

    path: str
    condition: Condition

    @property
    def title(self) -> str:
        """Its name in messages."""
        return f"metadata/{self.path}"


VerifyEvent = Verifying | ImageVerified | MetadataVerified


async def verify(release: Release, dest: Path) -> AsyncIterator[VerifyEvent]:
    """Compare the images of a verified release in `dest`, and `dest/metadata/`, with its manifest.

    Yields one `ImageVerified` an image and one `MetadataVerified` a metadata file, in the manifest's order, with
    `Verifying` between.

    Raises:
        DiskError: A file is there but cannot be read.
    """
    total = sum(image.size for image in release.images)
    before = 0
    for file in release.metadata:
        yield MetadataVerified(
            file.path, await asyncio.to_thread(_compare, dest / "metadata" / file.path, file.content)
        )
    for image in release.images:
        path = dest / image.name
        condition = await asyncio.to_thread(_look, path, image.size)
        if condition is Condition.OK:
            digest = hashlib.sha256()
            for start in range(0, image.size, _STEP):
                yield Verifying(image.name, before + start, total)
                await asyncio.to_thread(_feed, digest, path, start, min(_STEP, image.size - start))
            condition = Condition.OK if digest.digest() == image.digest else Condition.DIFFERS
        before += image.size
        yield ImageVerified(image.name, image.size, condition)


def _look(path: Path, size: int) -> Condition:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return Condition.MISSING
    except OSError as error:
        raise _unreadable(path, error) from error
    return Condition.OK if stat.S_ISREG(status.st_mode) and status.st_size == size else Condition.DIFFERS


def _compare(path: Path, content: bytes) -> Condition:
    condition = _look(path, len(content))
    if condition is not Condition.OK:
        return condition
    try:
        return Condition.OK if path.read_bytes() == content else Condition.DIFFERS
    except OSError as error:
        raise _unreadable(path, error) from error


def _feed(digest: hashlib._Hash, path: Path, start: int, length: int) -> None:
    buffer = memoryview(bytearray(_READ))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            while length > 0:
                count = os.preadv(descriptor, [buffer[: min(length, _READ)]], start)
                if not count:
                    return  # it was cut short just now: the digest will differ
                digest.update(buffer[:count])
                start += count
                length -= count
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DiskError:
    return DiskError(f"{path} cannot be read: {error.strerror}", path=str(path))
