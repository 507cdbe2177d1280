"""One writer for one file: a lock that ends with its process, however the process ends.

Invariant: no other user holds it for long: the file is private, and one that is not is replaced as soon as it is free,
or when its holder shows no sign of life.
"""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from dcdist.disk.other_users import is_ours, is_private
from dcdist.disk.own_file import WRITE

if TYPE_CHECKING:
    from pathlib import Path

SIGN_OF_LIFE = 10.0
"""Seconds after which a holder touches its file again."""

PATIENCE = 300.0
"""Seconds without a sign of life after which nobody waits on: as long as a fetch waits that gets nothing at all."""

_SHORT_PATIENCE = 3 * SIGN_OF_LIFE
"""The same where the holder may be another user, who could lock the file but not touch it."""

_REPLACED = 3
"""Times that one who waits replaces a file: who makes and locks it anew each time is told of, and not fought."""

_NOTE_LIMIT = 400


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a lock, by the note that it wrote there, and when it last touched its file (nanoseconds).

    `file` tells its file from others (inode). `ours`: it is this user's. `private`: no other user could have locked it.
    """

    note: str
    file: int
    touched: int
    ours: bool
    private: bool

    @property
    def process(self) -> str:
        """The process, in words; empty if it is not known."""
        number = self.note.partition(" ")[0]
        return f"process {int(number)}" if number.isascii() and number.isdigit() else ""


class Verdict(Enum):
    """What to do about a lock that is held."""

    WAIT = "wait"
    REPLACE = "replace"
    """Remove its file: the holder may be another user, and shows no sign of life."""
    GIVE_UP = "give up"


class HolderWatch:
    """Watches the holder of one lock for somebody who waits; `patience`: seconds without a sign of life."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._seen: Holder | None = None
        self._begun = self._since = 0.0
        self._replaced = 0

    def judge(self, holder: Holder, now: float) -> Verdict:
        """Look at the holder again, `now` being seconds."""
        if self._seen is None:
            self._begun = now
        if holder != self._seen:
            if self._seen is None or holder.private or self._is_touched(holder, self._seen):
                self._since = now
            self._seen = holder
        patience = self._patience if holder.private else min(self._patience, _SHORT_PATIENCE)
        # Another user touches its own file as often as it likes.
        too_long = not holder.ours and now - self._begun >= self._patience
        if now - self._since < patience and not too_long:
            return Verdict.WAIT
        if holder.private or self._replaced == _REPLACED:
            return Verdict.GIVE_UP
        self._replaced += 1
        return Verdict.REPLACE

    @staticmethod
    def _is_touched(holder: Holder, before: Holder) -> bool:
        """Whether it is a sign of life: another user can put one old file in place of another, and touch neither."""
        return holder.file == before.file and holder.touched > before.touched


def try_lock(path: Path, note: str) -> int | Holder | None:
    """Lock the file at `path`, which is made if needed, and write `note` into it.

    A file that is free, but not private, is replaced. Returns the descriptor, or who holds it; None if the file was
    removed or replaced meanwhile: then try again.

    Raises:
        OSError: The system refused.
    """
    _remove_stranger(path)
    try:
        descriptor, is_new = os.open(path, WRITE | os.O_CREAT | os.O_EXCL, 0o600), True
    except FileExistsError:
        descriptor, is_new = os.open(path, WRITE), False
    locked = False
    try:
        status = os.fstat(descriptor)
        if not lock_now(descriptor):
            written = os.pread(descriptor, _NOTE_LIMIT, 0).decode("ascii", "replace").strip()
            ours = status.st_uid == os.geteuid()
            return Holder(written, status.st_ino, status.st_mtime_ns, ours, is_private(status))
        # Where a file system has no modes and owners of its own, a new file is as good as one can be.
        if not is_at(descriptor, path) or not (is_new or is_private(status)):
            return None
        with suppress(OSError):  # on a full disk: the lock holds without its note
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{note}\n".encode(), 0)
        locked = True
        return descriptor
    finally:
        if not locked:
            os.close(descriptor)


def lock_now(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file if that is possible at once; whether it was."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one at `path`: between opening and locking it may have been replaced."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), there)


def _remove_stranger(path: Path) -> None:
    """Remove what is no lock, and a file that nobody holds but others may have open, to lock it whenever it is free."""
    try:
        status = path.lstat()
        if is_private(status) or (stat.S_ISLNK(status.st_mode) and is_ours(status)):
            return  # who opens a link is refused
        if not stat.S_ISREG(status.st_mode):
            path.unlink()
            return
        descriptor = os.open(path, WRITE)
    except FileNotFoundError:
        return
    try:
        if lock_now(descriptor) and is_at(descriptor, path):
            path.unlink()
    finally:
        os.close(descriptor)
