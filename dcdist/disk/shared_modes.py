"""The modes of what comes to a destination: who may read its folder may read it, and only this user may write it.

Invariant: nothing gets a right that its folder does not give, and the umask takes away what it does.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress


def file_mode(folder: int, *, executable: bool = False) -> int:
    """The mode of a file in an open folder, before the umask."""
    readable = 0o600 | (os.fstat(folder).st_mode & 0o044)
    return readable | (readable & 0o444) >> 2 if executable else readable


def folder_mode(folder: int) -> int:
    """The mode of a folder in an open folder, before the umask."""
    return 0o700 | (os.fstat(folder).st_mode & 0o055)


def group_of(folder: int) -> int | None:
    """The id of the group that may read the folder, and is to read what is in it; None if none may."""
    status = os.fstat(folder)
    return status.st_gid if status.st_mode & stat.S_IRGRP else None


def give_to_group(descriptor: int, folder: int) -> None:
    """Give an open file the group of its folder, if that may read it and this user may do so."""
    group = group_of(folder)
    if group is not None:
        with suppress(OSError):
            os.fchown(descriptor, -1, group)
