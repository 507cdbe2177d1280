"""Works out the room that a fetch of each newest release would ask for, less what is here already. Writes nothing.

Invariant: what is here is judged by sizes and records; no image and no layer is read.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dcdist.catalog import promised
from dcdist.checkup.findings.folder_findings import Demand
from dcdist.disk import DirectoryCache, DirectoryDestination
from dcdist.disk.destination_record import DestinationRecord
from dcdist.disk.record_file import load_record
from dcdist.errors import DcdistError, FormatError
from dcdist.tasks import in_parallel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dcdist.model.release import Image, Release
    from dcdist.model.space import SpaceNeeded
    from dcdist.ports.store import Store

_SECONDS = 2.0
"""How long the extents of all images of all releases may take; without them, sizes are an upper bound."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class RoomNeeded:
    """What a fetch of one release would ask of each folder; `exact`: as it would reckon, else the most it could be."""

    release: Release
    needs: tuple[SpaceNeeded, ...]
    exact: bool

    def on(self, file_system: int) -> Demand:
        """What it asks of a file system, whichever folders share it."""
        needed = sum(need.needed for need in self.needs if need.file_system == file_system)
        return Demand(str(self.release.name), needed, self.exact)


async def rooms_needed(
    store: Store, releases: Sequence[Release], *, cache: Path | None, dest: Path | None
) -> tuple[RoomNeeded, ...]:
    """What a fetch of each release would ask of these folders; None: not examined.

    Raises:
        DiskError: A folder cannot be looked at.
    """
    until = asyncio.get_running_loop().time() + _SECONDS
    return tuple([await _room_needed(store, release, cache, dest, until) for release in releases])


async def _room_needed(
    store: Store, release: Release, cache: Path | None, dest: Path | None, until: float
) -> RoomNeeded:
    """`until`: the time of the loop after which nothing is read any more."""
    layers, sizes, exact = {layer.name for layer in release.layers}, dict[str, int](), True
    if dest is not None:
        missing = await asyncio.to_thread(_missing, dest, release)
        sizes = {image.name: image.size for image in missing}
        try:
            async with asyncio.timeout_at(until):
                reading = [partial(promised.read_extents, store, image) for image in missing]
                extents = await in_parallel(reading, limit=_AT_ONCE)
        except (TimeoutError, DcdistError):
            exact = False
        else:
            layers = {layer for each in extents for layer in each.layers}
            sizes = {image.name: each.content_length for image, each in zip(missing, extents, strict=True)}
    needs: list[SpaceNeeded] = []
    if cache is not None:
        async with DirectoryCache(cache) as opened:
            lengths = {layer.name: layer.length for layer in release.layers if layer.name in layers}
            needs.append(await opened.need(lengths))
    if dest is not None:
        async with DirectoryDestination(dest, release, report=lambda _: None) as destination:
            needs.append(await destination.need(sizes))
    return RoomNeeded(release, tuple(needs), exact)


def _missing(dest: Path, release: Release) -> list[Image]:
    """The images that a fetch would build: not those that have the bytes by the record, or may have by their size."""
    try:
        record = load_record(dest)
    except FormatError:
        record = DestinationRecord()
    return [image for image in release.images if not _may_be_there(dest, image, record)]


def _may_be_there(dest: Path, image: Image, record: DestinationRecord) -> bool:
    try:
        status = (dest / image.name).lstat()
    except OSError:
        return False
    brought = record.files.get(image.name)
    if brought is not None and brought.describes(status):
        return brought.digest == image.digest
    return status.st_size == image.size
