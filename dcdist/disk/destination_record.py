"""What dcdist brought to a destination: its releases, their files, and whether each release is complete.

Pure; the format is in docs/formats.md. Invariant: no path leads out of the destination, and a file belongs to one
release of a demo at most.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from dcdist.errors import FormatError, NewerFormatError, UsageError
from dcdist.formats.names import METADATA_FOLDER, image_name_fault, path_fault
from dcdist.model.geometry import MIB
from dcdist.model.identity import Digest, ReleaseName

if TYPE_CHECKING:
    import os

    from dcdist.model.release import Release

RECORD_NAME: Final = ".dcdist-release"
"""The record's name in the destination."""

RECORD_LIMIT: Final = 64 * MIB
"""The most bytes of a record."""

_FORMAT: Final = 1
_NUMBER_LIMIT: Final = 1 << 64
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_MODE: Final = re.compile(r"[0-7]{4}")
_STATES: Final = {"complete": True, "incomplete": False}

Json: TypeAlias = "Mapping[str, Json] | list[Json] | str | int | float | None"


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """A file as it was when it was brought, or found to be what a release promises; `size` is in bytes.

    `releases`: those that have it, one of a demo. `mode`: its permissions. `modified`, `changed`: its times, in
    nanoseconds.
    """

    releases: tuple[ReleaseName, ...]
    size: int
    digest: Digest
    mode: int
    modified: int
    changed: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result, release: ReleaseName, digest: Digest) -> BroughtFile:
        """The file of this status."""
        times = status.st_mtime_ns, status.st_ctime_ns
        return cls((release,), status.st_size, digest, status.st_mode & 0o7777, *times, status.st_ino)

    @property
    def owners(self) -> str:
        """The releases that have it, in words."""
        return " and ".join(map(str, self.releases))

    def of_demo(self, demo: str) -> ReleaseName | None:
        """The release of a demo that has it."""
        return next((each for each in self.releases if each.demo == demo), None)

    def describes(self, status: os.stat_result) -> bool:
        """Whether nothing at all has happened to the file since."""
        return self.resembles(status) and self.changed == status.st_ctime_ns

    def resembles(self, status: os.stat_result) -> bool:
        """Whether the file is the same and nobody wrote to it, as far as size and times tell."""
        found = status.st_size, status.st_mtime_ns, status.st_ino
        return (self.size, self.modified, self.inode) == found


@dataclass(frozen=True, slots=True)
class BroughtRelease:
    """A release that was asked for. `images`: which of its images are there, or on their way if not `complete`."""

    name: ReleaseName
    images: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class DestinationRecord:
    """Releases by demo, files by path: an image's name, or `metadata/` and the path. Changes give a new record."""

    releases: Mapping[str, BroughtRelease] = field(default_factory=dict)
    files: Mapping[str, BroughtFile] = field(default_factory=dict)

    def holds(self, name: ReleaseName) -> BroughtRelease | None:
        """The release, if it is the one that the demo has here."""
        found = self.releases.get(name.demo)
        return found if found is not None and found.name == name else None

    def begun(self, name: ReleaseName, images: Iterable[str]) -> DestinationRecord:
        """With a release on its way. Of the same release, images that are there already stay in the list."""
        here = [path for path, file in self.files.items() if name in file.releases and not is_metadata(path)]
        begun = BroughtRelease(name, tuple(sorted({*images, *here})), complete=False)
        return replace(self, releases={**self.releases, name.demo: begun})

    def completed(self, name: ReleaseName) -> DestinationRecord:
        """With a release complete."""
        return replace(self, releases={**self.releases, name.demo: replace(self.releases[name.demo], complete=True)})

    def put(self, path: str, file: BroughtFile) -> DestinationRecord:
        """With a file of one release. Other demos keep it if it is the same; else they are not complete any more."""
        (name,) = file.releases
        before = self.files.get(path)
        others = [] if before is None else [each for each in before.releases if each.demo != name.demo]
        releases = dict(self.releases)
        if before is not None and before.digest != file.digest:
            for each in others:
                if each.demo in releases:
                    releases[each.demo] = replace(releases[each.demo], complete=False)
            others = []
        shared = replace(file, releases=tuple(sorted([*others, name])))
        return DestinationRecord(releases, {**self.files, path: shared})

    def given_up(self, path: str, demo: str) -> DestinationRecord:
        """Without a file as far as a demo is concerned."""
        file = self.files[path]
        others = tuple(each for each in file.releases if each.demo != demo)
        return (
            self.without(path)
            if not others
            else replace(self, files={**self.files, path: replace(file, releases=others)})
        )

    def without(self, path: str) -> DestinationRecord:
        """Without a file: it is gone, or somebody else's now."""
        return replace(self, files={other: file for other, file in self.files.items() if other != path})

    def displaced(self, path: str) -> DestinationRecord:
        """Without a file that had to make way: releases that have it are not complete any more."""
        changed = {
            each.demo: replace(self.releases[each.demo], complete=False)
            for each in self.files[path].releases
            if each.demo in self.releases
        }
        return replace(self.without(path), releases={**self.releases, **changed})

    def obsolete(self, release: Release, *, images: bool) -> list[str]:
        """Paths of the demo's files that `release` has not: metadata, and images too if `images` says so."""
        promised = {image.name for image in release.images} | {metadata_path(file.path) for file in release.metadata}
        return sorted(path for path in self._of(release.name.demo) - promised if images or is_metadata(path))

    def earlier(self, name: ReleaseName) -> list[str]:
        """Paths of the demo's files that another version brought."""
        return sorted(path for path in self._of(name.demo) if name not in self.files[path].releases)

    def _of(self, demo: str) -> set[str]:
        return {path for path, file in self.files.items() if file.of_demo(demo) is not None}


def metadata_path(path: str) -> str:
    """The path in the destination of a metadata file."""
    return f"{METADATA_FOLDER}/{path}"


def is_metadata(path: str) -> bool:
    """Whether a path in the destination is a metadata file's; else it is an image's."""
    return "/" in path


def encode_record(record: DestinationRecord) -> bytes:
    """The record's bytes: JSON for people and their scripts, in the order of names."""
    releases = {
        demo: {
            "version": each.name.version,
            "state": "complete" if each.complete else "incomplete",
            "images": each.images,
        }
        for demo, each in sorted(record.releases.items())
    }
    files = {
        path: {
            "releases": [str(each) for each in file.releases],
            "size": file.size,
            "sha256": file.digest.hex(),
            "mode": f"{file.mode:04o}",
            "mtime_ns": file.modified,
            "ctime_ns": file.changed,
            "inode": file.inode,
        }
        for path, file in sorted(record.files.items())
    }
    return json.dumps({"format": _FORMAT, "releases": releases, "files": files}, indent=1).encode() + b"\n"


def read_record(data: bytes) -> DestinationRecord:
    """The record in these bytes.

    Raises:
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read.
    """
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"it is not JSON: {error}"[:200]) from None
    version = _number(found, "format", low=1)
    if version > _FORMAT:
        raise NewerFormatError(f"it has format {version}, and this dcdist reads {_FORMAT}", needed=version)
    releases = {demo: _release(demo, each) for demo, each in _map(found, "releases").items()}
    files = {path: _file(path, each) for path, each in _map(found, "files").items()}
    return DestinationRecord(releases, files)


def _release(demo: str, found: Json) -> BroughtRelease:
    state = _text(found, "state")
    if state not in _STATES:
        raise FormatError(f"a release is neither complete nor incomplete, but {state[:40]!r}")
    names = _texts(found, "images")
    if any(image_name_fault(each) is not None for each in names):
        raise FormatError("'images' has what is not the name of an image")
    try:
        return BroughtRelease(ReleaseName(demo, _text(found, "version")), tuple(names), _STATES[state])
    except UsageError as error:
        raise FormatError(str(error)[:200]) from None


def _file(path: str, found: Json) -> BroughtFile:
    # A record that names a path elsewhere must not make dcdist remove it.
    folder, slash, rest = path.partition("/")
    fault = path_fault(rest) if slash and folder == METADATA_FOLDER else image_name_fault(path)
    if fault is not None:
        raise FormatError(fault[:200])
    digest, mode = _text(found, "sha256"), _text(found, "mode")
    if not _DIGEST.fullmatch(digest) or not _MODE.fullmatch(mode):
        raise FormatError("'sha256' or 'mode' is not written as one")
    return BroughtFile(
        _owners(found),
        _number(found, "size"),
        Digest(bytes.fromhex(digest)),
        int(mode, 8),
        _number(found, "mtime_ns", low=-_NUMBER_LIMIT),
        _number(found, "ctime_ns", low=-_NUMBER_LIMIT),
        _number(found, "inode"),
    )


def _owners(found: Json) -> tuple[ReleaseName, ...]:
    try:
        owners = [ReleaseName.parse(each) for each in _texts(found, "releases")]
    except UsageError as error:
        raise FormatError(str(error)[:200]) from None
    if len({each.demo for each in owners}) != len(owners) or not owners:
        raise FormatError("'releases' of a file names none, or two of a demo")
    return tuple(sorted(owners))


def _value(found: Json, name: str) -> Json:
    if not isinstance(found, Mapping) or name not in found:
        raise FormatError(f"{name!r} is missing")
    return found[name]


def _map(found: Json, name: str) -> Mapping[str, Json]:
    value = _value(found, name)
    if not isinstance(value, Mapping):
        raise FormatError(f"{name!r} is not a map")
    return value


def _text(found: Json, name: str) -> str:
    value = _value(found, name)
    if not isinstance(value, str):
        raise FormatError(f"{name!r} is not a text")
    return value


def _texts(found: Json, name: str) -> list[str]:
    value = _value(found, name)
    texts = [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(texts) != len(value):
        raise FormatError(f"{name!r} is not a list of texts")
    return texts


def _number(found: Json, name: str, *, low: int = 0) -> int:
    value = _value(found, name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value < _NUMBER_LIMIT:
        raise FormatError(f"{name!r} is not a number of its kind")
    return value
