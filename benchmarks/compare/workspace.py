"""A folder in memory that nobody else sees, gone with the last process that uses it, whatever happens."""

from __future__ import annotations

import ctypes
import fcntl
import os
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE_NEWNS = 0x00020000
PREFIX = "dcdist-comparison-"


@contextmanager
def in_memory(size: int) -> Iterator[Path]:
    """A tmpfs of at most `size` bytes, in a mount namespace that this process moves into for good.

    The kernel takes it away when this process and all it started are gone. After a kill an empty directory is left,
    which the next start takes away.

    Raises:
        BenchmarkError: Not root, or no mount namespaces.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNS) != 0:
        raise BenchmarkError(f"no mount namespace (root is needed): {os.strerror(ctypes.get_errno())}")
    _take_away_leftovers()
    place = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    lock = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _run("mount", "--make-rprivate", "/")
        _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755,noatime", "tmpfs", str(place))
        try:
            yield place
        finally:
            _run("umount", "--lazy", str(place))
    finally:
        os.close(lock)
        place.rmdir()


def _take_away_leftovers() -> None:
    """Empty directories of runs that were killed; those of running ones are locked."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(left, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                left.rmdir()
            finally:
                os.close(lock)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)}: {done.stderr.strip()}")
