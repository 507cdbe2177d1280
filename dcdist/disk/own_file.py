"""Files that only this user may have written: opened, made anew, read. All calls block.

Invariant: no link is followed, nothing but a plain file is opened, and nothing waits for a pipe.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.disk.durable import read_file, remove_file
from dcdist.disk.other_users import is_ours, rights_to_take, who_else_writes

if TYPE_CHECKING:
    from collections.abc import Collection

READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How a file is opened to be read."""

WRITE = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""How a file is opened to be written."""

_TRIES = 10


def stranger(status: os.stat_result, *, own: Collection[int] = ()) -> str:
    """Why something is not taken for a file of this user, in words; empty if it is one.

    A link of this user is not called one: whoever opens it is refused. `own`: more user ids that count as this user.
    """
    if stat.S_ISLNK(status.st_mode) and (is_ours(status) or status.st_uid in own):
        return ""
    return who_else_writes(status, own=own) if stat.S_ISREG(status.st_mode) else "it is not a plain file"


@dataclass(frozen=True, slots=True)
class OwnFiles:
    """Whose files are taken as they are in one folder: if it is `exposed`, only those that nobody else may write.

    `own`: more user ids that count as this user.
    """

    own: frozenset[int] = frozenset()
    exposed: bool = False

    def stranger(self, status: os.stat_result) -> str:
        """Why a file is not taken as it is, in words; empty if it is."""
        return stranger(status, own=self.own) if self.exposed else ""


def stranger_at(folder: int, name: str, *, own: Collection[int] = ()) -> str:
    """As `stranger`, of what stands in an open folder; empty also if nothing does."""
    with suppress(FileNotFoundError):
        return stranger(os.stat(name, dir_fd=folder, follow_symlinks=False), own=own)
    return ""


def read_own(folder: int, name: str, *, limit: int) -> bytes | None:
    """The content of a file of this user, at most `limit` bytes; None if there is none, or it is not this user's."""
    return None if stranger_at(folder, name) else read_file(folder, name, limit=limit)


def open_own(folder: int, name: str) -> tuple[int, str]:
    """Open a file of a private folder to read and write, which others may not read; it is made if needed.

    What is not this user's own, or has another name too, is removed first. Returns the descriptor, and why something
    was removed, in words.

    Raises:
        OSError: The system refused, or it is a link of this user.
    """
    removed = ""
    for _ in range(_TRIES):
        with suppress(FileExistsError):
            return os.open(name, WRITE | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder), removed
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            continue
        wrong = stranger(status) or ("it has another name too" if status.st_nlink > 1 else "")
        if not wrong:
            descriptor = os.open(name, WRITE, dir_fd=folder)
            with suppress(OSError):  # a file system without modes
                os.fchmod(descriptor, stat.S_IMODE(status.st_mode) & ~rights_to_take(status) | 0o600)
            return descriptor, removed
        removed = wrong
        remove_file(folder, name)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
