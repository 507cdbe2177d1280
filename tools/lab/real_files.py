"""Raw disks full of this machine's own files, made without root: each file begins at a block, as in a file system."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 4096
LARGEST = 8 << 20
FOLDERS = ("/usr/bin", "/usr/lib", "/usr/share", sys.base_prefix)


def real_files() -> Iterator[bytes]:
    """The contents of regular files that may be read here, in the order of their paths."""
    for top in FOLDERS:
        for folder, folders, names in os.walk(top):
            folders.sort()
            for name in sorted(names):
                content = _content(Path(folder, name))
                if content:
                    yield content


def write_disk(disk: Path, files: Iterator[bytes], size: int) -> int:
    """A disk of `size` bytes, the first half of it filled; the bytes that were filled, in whole blocks."""
    with disk.open("xb") as out:
        out.truncate(size)
        return _fill(disk, files, 0, size // 2)


def change_disk(disk: Path, files: Iterator[bytes], filled: int, *, more: int, every: int) -> None:
    """Change a disk in place: one block of every `every` overwritten, about `more` bytes written after what is filled.

    Raises:
        ValueError: There is no room for more.
    """
    if filled + more + LARGEST > disk.stat().st_size:
        raise ValueError(f"{disk} has no room for {more} bytes more")
    with disk.open("r+b") as out:
        for number in range(0, filled // BLOCK, every):
            out.seek(number * BLOCK)
            out.write(f"changed block {number}\n".encode())
    _fill(disk, files, filled, filled + more)


def _fill(disk: Path, files: Iterator[bytes], start: int, end: int) -> int:
    place = start
    with disk.open("r+b") as out:
        for content in files:
            if place >= end:
                break
            out.seek(place)
            out.write(content)
            place += -(-len(content) // BLOCK) * BLOCK
    return place


def _content(path: Path) -> bytes:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
