"""Small files that are whole or absent, even after a power loss. Invariant: no symbolic link is followed."""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dcdist.folder_sync import NO_LINKS, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PART = 64 * 1024
"""Bytes of one write. For longer writes the kernel takes larger runs of memory, which a virtual machine often must get
from the hypervisor first: an image of 1.1 GiB took 0.6 to 0.8 s more system time."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def open_folder(path: Path | str, *, inside: int | None = None) -> Iterator[int]:
    """A descriptor of the folder. With `inside` (the descriptor of its parent) it may not be a symbolic link."""
    flags = _FOLDER if inside is None else _FOLDER | os.O_NOFOLLOW
    folder = os.open(path, flags, dir_fd=inside)
    try:
        yield folder
    finally:
        os.close(folder)


def replace_file(folder: int, name: str, data: bytes, *, mode: int = 0o600, group: int | None = None) -> None:
    """Write a file under a temporary name, sync it, rename it to `name`, sync the folder.

    `mode` is less the umask; `group`: the id of its group, if this user may set it.
    """
    with _temporary(folder, data, mode, group) as temporary:
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    sync_folder(folder)


def create_file(folder: int, name: str, data: bytes, *, mode: int = 0o600) -> None:
    """As `replace_file`, but nothing is replaced. Where the file system has no hard links, two may create it at once.

    Raises:
        FileExistsError: The name is taken.
    """
    with _temporary(folder, data, mode) as temporary:
        try:
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            # Over NFS an answer can be lost, and the request, sent again, then fails by its own success.
            if os.stat(temporary, dir_fd=folder).st_nlink != 2:
                raise
        except OSError as error:
            if error.errno not in NO_LINKS:
                raise
            if is_taken(folder, name):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from error
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    sync_folder(folder)


@contextmanager
def _temporary(folder: int, data: bytes, mode: int, group: int | None = None) -> Iterator[str]:
    """The name of a new file that holds `data`, synced; afterwards it is gone."""
    temporary = f".{secrets.token_hex(8)}.dcdist-part"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=folder)
        try:
            if group is not None:
                with suppress(OSError):
                    os.fchown(descriptor, -1, group)
            write_at(descriptor, 0, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        yield temporary
    finally:
        remove_file(folder, temporary)


def is_taken(folder: int, name: str) -> bool:
    """Whether anything stands in an open folder under that name."""
    with suppress(FileNotFoundError):
        os.stat(name, dir_fd=folder, follow_symlinks=False)
        return True
    return False


def read_file(folder: int, name: str, *, limit: int) -> bytes | None:
    """The content of a regular file, at most `limit` bytes of it; None if there is none."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        file = open(descriptor, "rb")  # noqa: SIM115
    except BaseException:
        os.close(descriptor)  # it is a folder
        raise
    with file:
        return file.read(limit)


def remove_file(folder: int, name: str) -> bool:
    """Remove a file if it exists; return whether it did."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
        return True
    return False


def write_at(descriptor: int, offset: int, data: bytes | memoryview) -> None:
    """Write all of `data`, in parts that are cheap for the page cache; the system may write less at once."""
    view = memoryview(data)
    written = 0
    while written < len(view):
        written += os.pwrite(descriptor, view[written : written + _PART], offset + written)
