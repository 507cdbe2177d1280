"""Writes to the folders of a fetch and removes what it wrote: whether that works, and how fast. It blocks threads."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check
from dcdist.checkup.findings.folder_findings import FolderSeen, of_folder
from dcdist.disk.exposure import exposure_of
from dcdist.disk.free_space import file_system, free_bytes, held_bytes
from dcdist.disk.private_folder import require_private
from dcdist.disk.system_errors import refusals
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from dcdist.checkup.findings.finding import Finding
from dcdist.checkup.findings.folder_findings import Demand

_STEPS = (8 * MIB, 56 * MIB)
"""Bytes that are written and synced; after the first step of a slow disk there is no second."""

_SLOW_STEP = 0.5
_ROOM = 4 * sum(_STEPS)
"""Bytes that must be free for the speed to be tried."""

_SPARSE = 8 * MIB


async def check_folder(
    check: Check, path: Path, *, demands: Callable[[int], Awaitable[Sequence[Demand]]], other: Path | None
) -> Finding:
    """Examine a folder. `demands` tells what releases ask of its file system; `other`: the other folder of a fetch.

    Raises:
        DiskError: It cannot be used.
    """
    if check is Check.CACHE:
        await asyncio.to_thread(_require_private, path)
    seen = await asyncio.to_thread(look_at, path)
    shared = other is not None and await asyncio.to_thread(_is_on, other, seen.file_system)
    asked = await demands(seen.file_system)
    return of_folder(check, seen, demands=asked, shared_with=str(other) if shared else "")


def look_at(path: Path) -> FolderSeen:
    """Try a folder, or the nearest one above it if it does not exist. What is written there is gone afterwards.

    Raises:
        DiskError: Nothing can be written there.
    """
    existing = path
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    with refusals(path, "write in"):
        free = free_bytes(existing)
        with _own_folder(existing) as folder:
            lacks = tuple(words for words, works in _ABILITIES.items() if not works(folder))
            sparse = _is_sparse(folder / "sparse")
            written, writing, syncing = _speed(folder / "speed") if free >= _ROOM else (0, 0.0, 0.0)
        exposure = exposure_of(path)
        return FolderSeen(
            str(path), existing == path, file_system(existing), free, lacks, not sparse, written, writing, syncing,
            ("", "") if exposure is None else (f"{exposure.place}: {exposure.who}", exposure.remedy),
        )  # fmt: skip


def _require_private(path: Path) -> None:
    with refusals(path, "write in"):
        require_private(path)


@contextmanager
def _own_folder(parent: Path) -> Iterator[Path]:
    folder = tempfile.mkdtemp(prefix=".dcdist-probe-", dir=parent)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_on(path: Path, number: int) -> bool:
    with refusals(path, "look at"):
        return file_system(path) == number


def _renames(folder: Path) -> bool:
    """Finished images and records replace what had their names."""
    (folder / "old").write_bytes(b"old")
    (folder / "new").write_bytes(b"new")
    try:
        (folder / "new").replace(folder / "old")
    except OSError:
        return False
    return (folder / "old").read_bytes() == b"new"


def _locks(folder: Path) -> bool:
    """Two fetches tell by a lock that they share a layer, or an image."""
    with (folder / "lock").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


_ABILITIES = {"replace a file by renaming another one": _renames, "lock a file": _locks}


def _is_sparse(path: Path) -> bool:
    with path.open("wb") as file:
        file.truncate(_SPARSE)
        os.fsync(file.fileno())
        return held_bytes(os.fstat(file.fileno())) < _SPARSE // 2


def _speed(path: Path) -> tuple[int, float, float]:
    """Bytes written, and the seconds that it took to write and to sync them."""
    block = os.urandom(MIB)
    written, writing, syncing = 0, 0.0, 0.0
    with path.open("wb", buffering=0) as file:
        path.unlink()  # gone even if this process is killed
        for step in _STEPS:
            begun = time.monotonic()
            for _ in range(step // MIB):
                written += file.write(block)
            full = time.monotonic()
            os.fsync(file.fileno())
            done = time.monotonic()
            writing, syncing = writing + full - begun, syncing + done - full
            if done - begun > _SLOW_STEP:
                break
    return written, writing, syncing
