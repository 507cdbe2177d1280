"""The file names that a manifest may hold: none can reach outside of the folder where it is written.

The rules combine those of every system that dcdist runs on, so all hosts accept a release that a publisher accepts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

METADATA_FOLDER: Final = "metadata"
"""The folder of metadata files, beside the images: no image may have this name."""

NAME_LIMIT: Final = 240
"""The most bytes of one name, in UTF-8."""

PATH_LIMIT: Final = 1024
"""The most bytes of a metadata path, in UTF-8."""

DEPTH_LIMIT: Final = 16
"""The most names in a metadata path."""

# Control characters, separators of any system, and characters that make a terminal show another name.
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def image_name_fault(name: str) -> str | None:
    """Why `name` is invalid for an image; None if it is valid."""
    if name == METADATA_FOLDER:
        return f"image name {name!r} is reserved for the folder of metadata files"
    return _name_fault(name, f"image name {name!r}")


def path_fault(path: str) -> str | None:
    """Why `path` is invalid for a metadata file; None if it is valid."""
    what = f"metadata path {path!r}"
    names = path.split("/")
    if len(names) > DEPTH_LIMIT:
        return f"{what} has over {DEPTH_LIMIT} parts"
    faults = (_name_fault(name, what) for name in names)
    if fault := next(filter(None, faults), None):
        return fault
    return f"{what} is longer than {PATH_LIMIT} bytes" if len(path.encode()) > PATH_LIMIT else None


def together_fault(names: Iterable[str]) -> str | None:
    """Why these names or paths cannot share one folder; None if they can."""
    seen: set[str] = set()
    folders: set[str] = set()
    for name in names:
        if name in seen:
            return f"{name!r} is used twice"
        seen.add(name)
        parts = name.split("/")
        folders.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    both = seen & folders
    return f"{min(both)!r} is both a file and a folder" if both else None


def check_image_name(name: str) -> None:
    """Check the name of an image that is to be published.

    Raises:
        UsageError: It is invalid; the message says why.
    """
    if fault := image_name_fault(name):
        raise UsageError(fault)


def check_metadata_path(path: str) -> None:
    """Check the path of a metadata file that is to be published: relative, with `/`.

    Raises:
        UsageError: It is invalid; the message says why.
    """
    if fault := path_fault(path):
        raise UsageError(fault)


def _name_fault(name: str, what: str) -> str | None:
    if not name:
        return f"{what} is empty, is absolute, or has an empty part"
    if name.startswith("."):
        return f"{what} begins with a dot, or a part of it does"
    if _FORBIDDEN.search(name):
        return f"{what} has a slash, a backslash, a control character or bytes that are not UTF-8"
    if len(name.encode()) > NAME_LIMIT:
        return f"{what} has over {NAME_LIMIT} bytes in one part"
    return None
