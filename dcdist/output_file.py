"""Opens a file that somebody named for output, such as a log, so that no other user of the host chooses another one.

Invariant: what is written lands in a new file, which only its owner may read, or in one that is root's or this user's
already. A symbolic link counts only if it is root's or this user's, in a folder that nobody else may change.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OPEN = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""Without waiting for a reader of a pipe, or for one that is slow."""
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_TRIES = 3
"""Tries to make or open a file that others make and remove at the same moment."""


def open_output(path: Path, *, anew: bool = False) -> int:
    """A descriptor of the file at `path` for appending; `anew`: what it has is removed. A new one has mode 0600.

    A pipe is opened if somebody reads it.

    Raises:
        OSError: It cannot be opened; `strerror` is the reason, also if another user has a hand in it.
    """
    folder = _open_folder(path.absolute().parent)
    try:
        descriptor = _open(path.name, folder)
        try:
            _require_own(os.fstat(descriptor))
            if anew and stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.ftruncate(descriptor, 0)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor
    finally:
        os.close(folder)


def _open_folder(path: Path) -> int:
    """A descriptor of the folder, by a way that nobody else laid."""
    folder = os.open(path.anchor, _FOLDER)
    for name in path.parts[1:]:
        try:
            inner = os.open(name, _FOLDER | _no_link(name, folder), dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder


def _open(name: str, folder: int) -> int:
    for _ in range(_TRIES):
        try:
            return os.open(name, _OPEN | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
        except FileExistsError:
            pass
        try:
            return os.open(name, _OPEN | _no_link(name, folder), dir_fd=folder)
        except FileNotFoundError:
            # Removed in between, or the end of a link, which is not made.
            continue
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)


def _no_link(name: str, folder: int) -> int:
    """The flag that keeps `name` from leading elsewhere, unless a link there may be followed: then none.

    Raises:
        OSError: It is a link that others made, or could replace.
    """
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        return os.O_NOFOLLOW
    if not _is_own(status) or status.st_nlink != 1 or not _only_we_change(os.fstat(folder)):
        raise OSError(errno.ELOOP, f"{name} is a symbolic link that another user could have made", name)
    return 0


def _only_we_change(folder: os.stat_result) -> bool:
    return _is_own(folder) and not folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _require_own(status: os.stat_result) -> None:
    if stat.S_ISCHR(status.st_mode):
        return  # a terminal, /dev/null
    if not _is_own(status):
        raise OSError(errno.EPERM, f"it belongs to another user (user id {status.st_uid})")
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        raise OSError(errno.EPERM, "it has another name too (a hard link), which may be a file that matters")


def _is_own(status: os.stat_result) -> bool:
    return status.st_uid in {0, os.geteuid()}
