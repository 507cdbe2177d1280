"""What stands in a destination under a path of it. All calls block.

Invariant: no symbolic link below the destination is followed, and no folder is removed that has something in it.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import ExitStack, contextmanager, suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

from dcdist.disk.durable import open_folder, remove_file
from dcdist.disk.own_file import READ
from dcdist.disk.system_errors import refusals
from dcdist.errors import DiskError
from dcdist.folder_sync import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

_BUFFER = 1 << 20


@contextmanager
def parent_of(destination: Path, path: str) -> Iterator[tuple[int, str]]:
    """A descriptor of the folder that a path of the destination is in, and its name there."""
    *folders, name = path.split("/")
    with ExitStack() as stack:
        descriptor = stack.enter_context(open_folder(destination))
        for each in folders:
            descriptor = stack.enter_context(open_folder(each, inside=descriptor))
        yield descriptor, name


def status_at(destination: Path, path: str) -> os.stat_result | None:
    """What stands there, itself if it is a link; None if nothing does, or a part of the path is not a folder.

    Raises:
        DiskError: The disk refused.
    """
    absent = suppress(FileNotFoundError, NotADirectoryError)
    with refusals(destination / path, "look at"), absent, parent_of(destination, path) as (folder, name):
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    return None


def feed(take: Callable[[memoryview], object], destination: Path, path: str, start: int, length: int) -> None:
    """Give `take` the file's bytes, up to `length` from `start`; fewer if it was cut short.

    Raises:
        DiskError: The disk refused, or it is a link.
    """
    room = memoryview(bytearray(min(_BUFFER, length)))
    with refusals(destination / path, "read"), parent_of(destination, path) as (folder, name):
        descriptor = os.open(name, READ, dir_fd=folder)
        try:
            while length and (count := os.preadv(descriptor, [room[: min(length, len(room))]], start)):
                take(room[:count])
                start, length = start + count, length - count
        finally:
            os.close(descriptor)


def remove(destination: Path, path: str, known: os.stat_result) -> bool:
    """Remove a file of which `known` is the status, and then the folders that it leaves empty; not the destination.

    Returns whether it is gone; what somebody put there in its place, or wrote to it, since `known` was read, stays.

    Raises:
        DiskError: The disk refused.
    """
    with refusals(destination / path, "remove"):
        with suppress(FileNotFoundError), parent_of(destination, path) as (folder, name):
            if not _remove_known(folder, name, known):
                return False
            sync_folder(folder)
        for parent in list(PurePath(path).parents)[:-1]:
            # Something else is in it.
            with suppress(OSError), parent_of(destination, str(parent)) as (folder, name):
                os.rmdir(name, dir_fd=folder)
    return True


def _remove_known(folder: int, name: str, known: os.stat_result) -> bool:
    """Rename it aside, where nobody replaces it, and look again before it goes."""
    if not _is_same(os.stat(name, dir_fd=folder, follow_symlinks=False), known):
        return False
    aside = f".{secrets.token_hex(8)}.dcdist-part"
    os.rename(name, aside, src_dir_fd=folder, dst_dir_fd=folder)
    if _is_same(os.stat(aside, dir_fd=folder, follow_symlinks=False), known):
        return remove_file(folder, aside)
    try:
        os.link(aside, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        return False  # yet another one came; both stay
    except OSError:  # a folder, or a file system without links
        os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    else:
        remove_file(folder, aside)
    return False


def _is_same(status: os.stat_result, known: os.stat_result) -> bool:
    """Whether it is that file, and nobody wrote to it; a rename changes its time of change."""
    return os.path.samestat(status, known) and (status.st_size, status.st_mtime_ns) == (
        known.st_size,
        known.st_mtime_ns,
    )


def what_stands(destination: Path, path: str, status: os.stat_result) -> str:
    """What is not a plain file, in words; empty if it is one."""
    if stat.S_ISREG(status.st_mode):
        return ""
    if stat.S_ISLNK(status.st_mode):
        with suppress(OSError):
            return f"it was a symbolic link to {os.readlink(destination / path)}"
    return "it was an empty folder" if stat.S_ISDIR(status.st_mode) else "it was not a plain file"


def require_no_folder(destination: Path, path: str, *, going: Collection[str] | None = None) -> None:
    """Check that no folder stands where a file is to be put. With `going` it may have those files, and empty folders.

    Raises:
        DiskError: One stands there.
    """
    status = status_at(destination, path)
    if status is None or not stat.S_ISDIR(status.st_mode):
        return
    place = destination / path
    if going is None:
        raise _in_the_way(place, "a folder")
    for folder, folders, names in os.walk(place):
        links = [each for each in folders if os.path.islink(os.path.join(folder, each))]
        for name in (*names, *links):
            other = os.path.relpath(os.path.join(folder, name), destination)
            if other not in going:
                raise _in_the_way(place, f"a folder with {other} in it")


def require_folders(destination: Path, path: str) -> None:
    """Check that the folders of a path can be made and written to: where one is, it is no link.

    Raises:
        DiskError: A link stands in place of one, or one may not be written to.
    """
    *folders, _ = path.split("/")
    place = destination
    for each in ("", *folders):
        place = place / each
        if each and place.is_symlink():
            raise _in_the_way(place, "a symbolic link, and dcdist follows none there")
        if place.is_dir() and not os.access(place, os.W_OK | os.X_OK):
            raise DiskError(
                f"user {os.geteuid()} may not write to {place}: change its owner or mode, or choose another folder",
                path=str(place),
            )


def files_above(destination: Path, path: str) -> list[str]:
    """Paths above `path` where something stands that is not a folder, a link among it: no folder can be made there."""
    parts = path.split("/")
    above = ["/".join(parts[:count]) for count in range(1, len(parts))]
    found = [(each, status_at(destination, each)) for each in above]
    return [each for each, status in found if status is not None and not stat.S_ISDIR(status.st_mode)]


def remove_empty_folders(destination: Path, path: str) -> None:
    """Remove the folder that stands there, if one does and nothing but folders is in it."""
    status = status_at(destination, path)
    if status is None or not stat.S_ISDIR(status.st_mode):
        return
    with suppress(OSError), parent_of(destination, path) as (parent, name):
        for _, folders, _, folder in os.fwalk(name, topdown=False, dir_fd=parent):
            for each in folders:
                with suppress(OSError):
                    os.rmdir(each, dir_fd=folder)
        os.rmdir(name, dir_fd=parent)


def no_folder_here(destination: Path, path: str) -> DiskError:
    """A file stands where the release has a folder, and dcdist may not remove it."""
    return _in_the_way(
        destination / path, "a file that no fetch brought, or that was changed since", release="a folder"
    )


def _in_the_way(place: Path, what: str, *, release: str = "a file") -> DiskError:
    return DiskError(
        f"{place} is {what}; the release has {release} of that name: move it away, or choose another folder",
        path=str(place),
    )
