"""The lock of a folder, in a file that holds the process id of its owner. All calls block."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.disk.lock import Holder, try_lock

if TYPE_CHECKING:
    from pathlib import Path

_TRIES = 10
"""Times in a row that the file may vanish or be replaced."""


class FolderLock:
    """The lock in the file at `path`, as one process sees it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._use = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor is not None

    def take(self) -> Holder | None:
        """Take it; create the file if needed. Returns who has it, if somebody else does.

        Raises:
            OSError: The system refused.
        """
        for _ in range(_TRIES):
            found = try_lock(self._path, str(os.getpid()))
            if isinstance(found, Holder):
                return found
            if found is not None:
                self._descriptor = found
                return None
        raise FileNotFoundError(f"the file vanishes at once, {_TRIES} times in a row")

    def touch(self) -> None:
        """Show who waits that this process lives, if it holds the lock."""
        with self._use, suppress(OSError):
            if self._descriptor is not None:
                os.utime(self._descriptor)

    def remove_file(self) -> None:
        """Remove the file, which another holds."""
        self._path.unlink(missing_ok=True)

    def release(self) -> None:
        """Give it up, if it is held."""
        with self._use:
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is None:
                return
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)
