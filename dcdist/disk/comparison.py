"""How a destination compares with a release that is to come. All calls block; nothing is written."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from dcdist.disk import places
from dcdist.disk.destination_record import is_metadata, metadata_path
from dcdist.disk.exposure import Exposure, exposure_of
from dcdist.disk.metadata_files import is_in_place
from dcdist.disk.other_users import is_ours, who_else_writes
from dcdist.model.identity import Digest

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from dcdist.disk.destination_record import DestinationRecord
    from dcdist.disk.own_file import OwnFiles
    from dcdist.model.release import MetadataFile, Release


def require_places(destination: Path, release: Release, going: Collection[str]) -> None:
    """Check that the release's metadata can be put there; `going` are paths of files that will be removed first.

    Raises:
        DiskError: A link, a folder or a file stands in the way, or a folder may not be written to.
    """
    for file in release.metadata:
        places.require_folders(destination, metadata_path(file.path))
        places.require_no_folder(destination, metadata_path(file.path), going=going)
    for path in in_the_way(destination, release):
        if path not in going:
            raise places.no_folder_here(destination, path)


def lacking_metadata(destination: Path, release: Release, ownership: OwnFiles) -> list[MetadataFile]:
    """The metadata files that are not there, not as the release has them, or may be written by others."""
    return [
        file for file in release.metadata if not is_in_place(destination, metadata_path(file.path), file, ownership)
    ]


def in_the_way(destination: Path, release: Release) -> list[str]:
    """Paths where something else stands in place of a folder of the metadata."""
    above = [places.files_above(destination, metadata_path(file.path)) for file in release.metadata]
    return sorted({path for paths in above for path in paths})


def with_unasked(
    destination: Path, release: Release, record: DestinationRecord, wanted: Collection[str]
) -> DestinationRecord:
    """The record with what is true of images that are not `wanted`: there as this release has them, or not its own."""
    name = release.name
    for image in release.images:
        file = record.files.get(image.name)
        if file is None or image.name in wanted or (before := file.of_demo(name.demo)) is None:
            continue
        status = places.status_at(destination, image.name)
        if file.digest == image.digest and status is not None and file.resembles(status):
            record = record.put(image.name, replace(file, releases=(name,)))
        elif before == name:
            record = record.given_up(image.name, name.demo)
    return record


def exposure_in(destination: Path, release: Release, own: Collection[int]) -> Exposure | None:
    """The first of the destination's folders, and of what leads to it, that others own or may write to."""
    if exposure := exposure_of(destination, own=own):
        return exposure
    folders = {str(parent) for file in release.metadata for parent in PurePath(metadata_path(file.path)).parents}
    for path in sorted(folders - {"."}):
        status = places.status_at(destination, path)
        if status is not None and stat.S_ISDIR(status.st_mode) and (who := who_else_writes(status, own=own)):
            return Exposure(destination / path, who, owned=not (is_ours(status) or status.st_uid in own), is_last=True)
    return None


def why_replaced(destination: Path, path: str, record: DestinationRecord, demo: str, ownership: OwnFiles) -> str:
    """What stands there, if the demo did not bring it, or others may write it; empty if it did, or nothing does."""
    status, file = places.status_at(destination, path), record.files.get(path)
    if status is None:
        return ""
    if what := places.what_stands(destination, path, status):
        return what
    if others := ownership.stranger(status):
        return others
    if file is None:
        return "no fetch on record had brought it"
    if not file.resembles(status) or (is_metadata(path) and _digest(destination, path, status.st_size) != file.digest):
        return f"it was changed since {file.owners} brought it"
    return "" if file.of_demo(demo) else f"{file.owners} had brought it"


def _digest(destination: Path, path: str, size: int) -> Digest:
    digest = hashlib.sha256()
    places.feed(digest.update, destination, path, 0, size)
    return Digest(digest.digest())
