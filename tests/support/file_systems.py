"""File systems in files: real and small, to be filled, cut off from power or made read-only. Mounting needs root."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def make_file_system(file: Path, length: int) -> None:
    """A journalled one of so many bytes, as hosts have."""
    with file.open("wb") as out:
        out.truncate(length)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", str(file)], check=True)


@contextmanager
def mounted(file: Path, place: Path) -> Iterator[None]:
    """A file system in a file, mounted."""
    done = subprocess.run(["mount", "-o", "loop", str(file), str(place)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        # Lazily, so that a failed test that left a file open leaves no mount.
        subprocess.run(["umount", "-l", str(place)], check=True)


def make_read_only(place: Path) -> None:
    """Let nothing be written any more to the file system that is mounted there."""
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
