"""What happens to files of a destination that the user should know of. Paths are relative to the destination."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileReplaced:
    """A file of the release took the place of what dcdist had not brought for this demo; `reason` says what that was.

    A file that an earlier fetch of the demo brought, and nobody changed, is replaced without this.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileRemoved:
    """A file that an earlier release of the demo brought was removed: this release does not have it."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class FileKept:
    """A file that an earlier release of the demo brought is still there; `reason` says why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImageChecked:
    """A file in the destination is being read, to know whether it is the image: `checked` of `size` bytes so far."""

    name: str
    checked: int
    size: int


DestinationNote = FileReplaced | FileRemoved | FileKept | ImageChecked
