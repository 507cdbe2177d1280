"""Compares this host's files with what the signed manifest promises, by reading every byte.

Invariant: no earlier check is trusted, and nothing is written. The destination's record says only what was asked for,
and whose the other files are.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dcdist.disk.destination_record import DestinationRecord, metadata_path
from dcdist.disk.own_file import READ
from dcdist.disk.record_file import load_record
from dcdist.errors import DiskError, FormatError
from dcdist.formats.names import METADATA_FOLDER
from dcdist.model.trouble import Troubled
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import Release

_STEP = 32 << 20
"""Bytes between two reports, and until a cancelled check ends."""

_READ = 1 << 20

_OTHERS = 100
"""The most paths in one `OthersFound`."""

_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""What the system says where there is nothing, also where a file or a link to itself stands in place of a folder."""


class Condition(Enum):
    """How a file compares with the manifest."""

    OK = "ok"
    MISSING = "missing"
    DIFFERS = "differs"
    NOT_FETCHED = "not_fetched"
    """It is missing, and by the destination's record this image was not asked for."""


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


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the destination's record says of the demo: the release that is there, and whether it is complete."""

    release: ReleaseName
    complete: bool


@dataclass(frozen=True, slots=True)
class LeftOver:
    """A file that an earlier release of the demo brought, `brought_by`, and this one does not have."""

    path: str
    brought_by: ReleaseName


@dataclass(frozen=True, slots=True)
class OthersFound:
    """Files beside the release that are not of its demo: `count`, and the first of their paths.

    Folders of the destination, other than `metadata`, count as one.
    """

    count: int
    paths: tuple[str, ...]


VerifyEvent = Verifying | ImageVerified | MetadataVerified | Recorded | LeftOver | OthersFound | Troubled


async def verify(release: Release, dest: Path) -> AsyncIterator[VerifyEvent]:
    """Compare the images of a verified release in `dest`, and `dest/metadata/`, with its manifest.

    Yields what the destination's record says, one `MetadataVerified` a metadata file and one `ImageVerified` an image,
    in the manifest's order, with `Verifying` between; then what else is there.

    Raises:
        DiskError: A file is there but cannot be read.
    """
    record = DestinationRecord()
    try:
        record = await in_thread(load_record, dest)
    except (FormatError, DiskError) as error:
        yield Troubled(str(error), source=str(dest))
    if recorded := record.releases.get(release.name.demo):
        yield Recorded(recorded.name, recorded.complete)
    for file in release.metadata:
        yield MetadataVerified(file.path, await in_thread(_compare, dest / METADATA_FOLDER / file.path, file.content))
    held = record.holds(release.name)
    total = sum(image.size for image in release.images)
    before = 0
    for image in release.images:
        path = dest / image.name
        condition = await in_thread(_look, path, image.size)
        if condition is Condition.OK:
            digest = hashlib.sha256()
            for start in range(0, image.size, _STEP):
                yield Verifying(image.name, before + start, total)
                await in_thread(_feed, digest, path, start, min(_STEP, image.size - start))
            condition = Condition.OK if digest.digest() == image.digest else Condition.DIFFERS
        elif condition is Condition.MISSING and held is not None and image.name not in held.images:
            condition = Condition.NOT_FETCHED
        before += image.size
        yield ImageVerified(image.name, image.size, condition)
    for event in await in_thread(_beside, release, dest, record):
        yield event


def _beside(release: Release, dest: Path, record: DestinationRecord) -> list[LeftOver | OthersFound]:
    """What else is there: files that earlier releases of the demo brought, and others."""
    promised = {image.name for image in release.images} | {metadata_path(file.path) for file in release.metadata}
    left: list[LeftOver | OthersFound] = []
    others = []
    for path in _paths(dest):
        file = record.files.get(path)
        owner = None if file is None else file.of_demo(release.name.demo)
        if path in promised:
            continue
        if owner is None:
            others.append(path)
        else:
            left.append(LeftOver(path, owner))
    return [*left, OthersFound(len(others), tuple(others[:_OTHERS]))] if others else left


def _paths(dest: Path) -> list[str]:
    """What is in the destination, and in its metadata folder at any depth, without what dcdist keeps there itself."""
    try:
        top = [each for each in os.listdir(dest) if not (each.startswith(".") and "dcdist-" in each)]
    except OSError as error:
        raise _unreadable(dest, error) from error
    metadata = dest / METADATA_FOLDER
    inner = [
        os.path.relpath(os.path.join(folder, name), dest)
        for folder, folders, names in os.walk(metadata)
        for name in (*names, *(each for each in folders if os.path.islink(os.path.join(folder, each))))
    ]
    return sorted([each for each in top if each != METADATA_FOLDER or not metadata.is_dir()] + inner)


def _look(path: Path, size: int) -> Condition:
    try:
        status = path.lstat()
    except OSError as error:
        if error.errno in _ABSENT:
            return Condition.MISSING
        raise _unreadable(path, error) from error
    return Condition.OK if stat.S_ISREG(status.st_mode) and status.st_size == size else Condition.DIFFERS


def _compare(path: Path, content: bytes) -> Condition:
    condition = _look(path, len(content))
    if condition is not Condition.OK:
        return condition
    try:
        # Not as `read_bytes` does: somebody may put a link or a pipe there just now.
        with open(path, "rb", opener=lambda name, _: os.open(name, READ)) as file:
            return Condition.OK if file.read(len(content) + 1) == content else Condition.DIFFERS
    except OSError as error:
        raise _unreadable(path, error) from error


def _feed(digest: hashlib._Hash, path: Path, start: int, length: int) -> None:
    buffer = memoryview(bytearray(_READ))
    try:
        descriptor = os.open(path, READ)
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
