"""Folders of this user alone: what is opened by path lies only in these. All calls block.

Invariant: nobody else owns such a folder or may write to it or to what leads to it; what dcdist makes has mode 0700.
Folders that others own or may write to are refused, with what to do.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder
from dcdist.disk.exposure import exposure_of
from dcdist.disk.other_users import rights_to_take, who_else_writes
from dcdist.errors import DiskError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER_MODE = 0o700
_ABOVE_MODE = 0o755


def require_private(path: Path) -> None:
    """Check that nobody else can put something else in place of a folder, or of what is in it, if it exists.

    Raises:
        DiskError: Somebody can; the message says who, and what to do.
        OSError: The system refused.
    """
    exposure = exposure_of(path)
    if exposure is not None:
        remedy = exposure.remedy
        # A cache that was made with umask 002 is all of that kind: one command ends it.
        if command := exposure.command(with_content=True):
            remedy = f"if you trust what is there now: {command}; else use another folder, or run dcdist as its owner"
        raise DiskError(
            f"other users of this host could replace what dcdist keeps in {path}: {exposure.place}: {exposure.who}; "
            f"{remedy}",
            path=str(path),
        )


@contextmanager
def private_folder(path: Path) -> Iterator[int]:
    """A descriptor of a private folder.

    Raises:
        DiskError: Other users own it or something that leads to it, or may write there.
        OSError: The system refused; FileNotFoundError if there is none.
    """
    require_private(path)
    with open_folder(path) as folder:
        if who_else_writes(os.fstat(folder)):
            require_private(path)  # it was replaced just now: say by whom
        yield folder


def make_private_folder(path: Path) -> str:
    """Make a private folder, or take rights from others to read one of this user.

    Returns what to tell people: that others could read what is in it; else nothing.

    Raises:
        DiskError: As of `private_folder`.
        OSError: The system refused.
    """
    require_private(path)
    make_folders(path)
    with private_folder(path) as folder:
        status = os.fstat(folder)
        taken = rights_to_take(status)
        if not status.st_mode & taken or status.st_uid != os.geteuid():
            return ""
        with suppress(OSError):  # a file system without modes
            os.fchmod(folder, stat.S_IMODE(status.st_mode) & ~taken)
        if not os.listdir(folder):
            return ""
        before, now = (stat.S_IMODE(each.st_mode) for each in (status, os.fstat(folder)))
    if now & taken:
        return f"other users may read {path} (mode {now:04o}), and its file system does not let dcdist change that"
    return (
        f"other users could read {path}; its mode is {now:04o} now, instead of {before:04o}, since releases may be "
        "private"
    )


def make_folders(path: Path) -> list[Path]:
    """Make a folder with mode 0700, and what is lacking above it, which others may read but not write to.

    Returns the folders that were made, from the top down.
    """
    lacking = []
    folder = path
    while not folder.exists():
        lacking.append(folder)
        folder = folder.parent
    made = []
    for each in reversed(lacking):
        with suppress(FileExistsError):
            each.mkdir(FOLDER_MODE if each == path else _ABOVE_MODE)
            made.append(each)
    return made
