"""Maps what the system refuses to errors of dcdist. Invariant: no OSError leaves this package."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dcdist.disk.free_space import free_bytes
from dcdist.errors import DiskError, DiskFullError
from dcdist.model.quantities import show_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

_REASONS = {
    errno.EROFS: "the file system is read-only; mount it writable, or choose another folder",
    errno.EACCES: "user {user} has no permission; change the owner or mode, or choose another folder",
    errno.EPERM: "user {user} is not allowed to do that; change the owner or mode, or choose another folder",
    errno.ENAMETOOLONG: "the name is too long for the file system",
    errno.EFBIG: "the file system, or a limit (ulimit -f), allows no file this large",
    errno.ELOOP: "it is a symbolic link; remove it",
    errno.ENOTDIR: "{file} is a file, not a folder: remove it, or choose another folder",
    errno.EIO: "the disk reported an input/output error; see the kernel log",
    errno.ENOLCK: "the file system does not support locks; choose a local folder",
}


@contextmanager
def refusals(path: Path, doing: str, *, needed: Callable[[], int] = lambda: 0) -> Iterator[None]:
    """Map what the system refuses about `path` while `doing` ("write image"); `needed`: bytes still to be written.

    Raises:
        DiskFullError: The disk is full, or a quota is reached.
        DiskError: Anything else.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise _full(path, doing, needed(), error) from error
        fallback = error.strerror or str(error)
        reason = _REASONS.get(error.errno or 0, "{fallback}").format(
            user=os.geteuid(), file=_file_in(path), fallback=fallback
        )
        raise DiskError(f"cannot {doing} {path}: {reason}", path=str(path)) from error


def _file_in(path: Path) -> str:
    """The part of a path that is not a folder."""
    parts = [*reversed(path.parents), path]
    return str(next((part for part in parts if os.path.lexists(part) and not os.path.isdir(part)), "a part of it"))


def _full(path: Path, doing: str, needed: int, error: OSError) -> DiskFullError:
    try:
        free = free_bytes(path)
    except OSError:
        free = 0
    cause = "the quota is reached" if error.errno == errno.EDQUOT else "no room left on the file system"
    return DiskFullError(
        f"cannot {doing} {path}: {cause}: {show_bytes(needed)} are still needed, {show_bytes(free)} "
        "are free; make room or choose another folder",
        path=str(path),
        needed=needed,
        free=free,
    )
