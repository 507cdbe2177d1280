"""How much space is free, and how much a file takes: a sparse file counts its data, not its length."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = 512
"""The unit of st_blocks, on every file system."""


def free_bytes(path: Path) -> int:
    """Bytes that this user can still write where `path` is or will be; a quota may allow less."""
    status = os.statvfs(_existing(path))
    return status.f_bavail * status.f_frsize


def file_system(path: Path) -> int:
    """The file system that `path` is or will be on."""
    return _existing(path).stat().st_dev


def allocated_bytes(path: Path) -> int:
    """Bytes that the file takes on disk; 0 if there is none."""
    try:
        return held_bytes(path.lstat())
    except FileNotFoundError:
        return 0


def held_bytes(status: os.stat_result) -> int:
    """Bytes that the file of this status takes on disk."""
    return status.st_blocks * _BLOCK


def _existing(path: Path) -> Path:
    path = path.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path
