"""A folder in memory that nobody else sees, gone with the last process that uses it, whatever happens."""

from __future__ import annotations

import ctypes
import os
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import BenchmarkError

if TYPE_CHECKING:
    from collections.abc import Iterator

CLONE_NEWNS = 0x00020000


@contextmanager
def in_memory(size: int) -> Iterator[Path]:
    """A tmpfs of at most `size` bytes, in a mount namespace that this process moves into for good.

    The kernel takes it away when this process and all it started are gone: nothing is left even after a kill.

    Raises:
        BenchmarkError: Not root, or no mount namespaces.
    """
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(CLONE_NEWNS) != 0:
        raise BenchmarkError(f"no mount namespace (root is needed): {os.strerror(ctypes.get_errno())}")
    place = Path(tempfile.gettempdir()).resolve()
    _run("mount", "--make-rprivate", "/")
    # Over the directory for temporary files: only this process and its children see it there.
    _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=0755,noatime", "tmpfs", str(place))
    folder = place / "comparison"
    folder.mkdir()
    try:
        yield folder
    finally:
        _run("umount", "--lazy", str(place))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)}: {done.stderr.strip()}")
