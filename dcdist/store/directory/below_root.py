"""Folders and files below a root, reached part by part. Everything here blocks: it runs in threads.

Invariant: below the root, whose own path may have links, no link is followed, and nothing but folders and regular files
is opened. Whoever can write to the store could else lead a process of root anywhere, or have it wait at a pipe.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# O_PATH needs no right to read a folder, as a path needs none; O_DIRECTORY has a folder mounted that mounts itself.
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
# O_NONBLOCK: for a pipe that takes the file's place between the look at it and this.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_READABLE_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
}


class InTheWayError(OSError):
    """Something stands at `path` (relative to the root) that a store in a directory does not go through.

    `found` says what, in words. `is_foreign`: dcdist never makes such a thing. `is_link`: it is a symbolic link.
    """

    def __init__(self, path: str, mode: int) -> None:
        kind = stat.S_IFMT(mode)
        super().__init__(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        self.path = path
        self.found = _KINDS.get(kind, "not a regular file")
        self.is_foreign = kind not in {stat.S_IFREG, stat.S_IFDIR}
        self.is_link = kind == stat.S_IFLNK


@contextmanager
def folder_below(root: Path, parts: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder, for calls that take one beside a name; it cannot be read from.

    `make`: what is missing is made, the root too, with the mode that the umask leaves of 0777.

    Raises:
        InTheWayError: A part of its path is not a folder.
        OSError: It is missing, or the file system failed.
    """
    descriptor = _open_root(root, make=make)
    try:
        for number in range(len(parts)):
            above, descriptor = descriptor, _enter(descriptor, parts[: number + 1], make=make)
            os.close(above)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def readable(folder: int) -> Iterator[int]:
    """The folder of a descriptor, opened to be listed or synced."""
    descriptor = os.open(".", _READABLE_FOLDER, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(root: Path, key: str) -> tuple[int, os.stat_result]:
    """A descriptor of the object `key`, and its state; it is a regular file.

    Raises:
        InTheWayError: Something else stands there, or in place of one of its folders.
        OSError: It is missing, or the file system failed.
    """
    *parts, name = key.split("/")
    with folder_below(root, parts) as folder:
        # A look first: opening a device may already do something.
        _require_file(os.stat(name, dir_fd=folder, follow_symlinks=False), key)
        descriptor = os.open(name, _FILE, dir_fd=folder)
    try:
        state = os.fstat(descriptor)
        _require_file(state, key)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor, state


def is_taken(folder: int, key: str) -> bool:
    """Whether the object `key` is there, in its folder.

    Raises:
        InTheWayError: Something has its name that is not an object.
    """
    try:
        _require_file(os.stat(key.rpartition("/")[2], dir_fd=folder, follow_symlinks=False), key)
    except FileNotFoundError:
        return False
    return True


def _open_root(root: Path, *, make: bool) -> int:
    try:
        return os.open(root, _FOLDER)
    except FileNotFoundError:
        if not make:
            raise
    root.mkdir(parents=True, exist_ok=True)
    return os.open(root, _FOLDER)


def _enter(folder: int, parts: Sequence[str], *, make: bool) -> int:
    """A descriptor of the folder that has the last of `parts` as its name in `folder`."""
    try:
        return _enter_existing(folder, parts)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(parts[-1], dir_fd=folder)
    return _enter_existing(folder, parts)


def _enter_existing(folder: int, parts: Sequence[str]) -> int:
    try:
        return os.open(parts[-1], _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
            raise
        mode = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode
        raise InTheWayError("/".join(parts), mode) from error


def _require_file(state: os.stat_result, key: str) -> None:
    if not stat.S_ISREG(state.st_mode):
        raise InTheWayError(key, state.st_mode)
