"""Which objects are below a folder. Everything here blocks: it runs in threads.

Invariant: whatever somebody made below the root, a listing ends: no link is followed, each folder is entered once, with
one descriptor open at a time, and the meter says when it is enough.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.ports.store import Entry
from dcdist.store.directory.below_root import InTheWayError, folder_below, readable
from dcdist.store.object_keys import KEY_LIMIT, is_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dcdist.store.listing_bounds import ListingMeter

_LOOK_EACH = 256
"""Names between two looks at the clock."""

_NOTED = 10
"""The most names that are remembered of what was passed over."""


@dataclass(slots=True)
class Found:
    """`entries` in rising order of their keys; `passed_over`: by path, why it is not an object, in words.

    `excess` says what was too much, if the listing ended early; else it is empty.
    """

    entries: list[Entry] = field(default_factory=list)
    passed_over: dict[str, str] = field(default_factory=dict)
    excess: str = ""


def entries_under(
    root: Path, prefix: str, meter: ListingMeter, *, abandoned: Callable[[], bool] = lambda: False
) -> Found:
    """All files whose keys begin with `prefix`; what is not a file or a folder is passed over.

    It ends early when the listing is `abandoned` or the meter has had enough.

    Raises:
        OSError: The file system failed, or the folder of the prefix cannot be listed.
    """
    folder = prefix.rpartition("/")[0]
    if folder and not is_key(folder):
        return Found()
    walk = _Walk(root, prefix, meter, abandoned)
    walk.run(folder)
    walk.found.entries.sort(key=lambda entry: entry.key)
    return walk.found


class _Walk:
    def __init__(self, root: Path, prefix: str, meter: ListingMeter, abandoned: Callable[[], bool]) -> None:
        self.found = Found()
        self._root = root
        self._prefix = prefix
        self._meter = meter
        self._abandoned = abandoned
        self._pending: list[str] = []

    def run(self, top: str) -> None:
        self._visit(top)
        while self._pending and not self._is_over():
            folder = self._pending.pop()
            try:
                self._visit(folder)
            except PermissionError:
                # One folder that is closed to this host does not hide all others.
                self._pass_over(folder, "a folder that may not be read")

    def _visit(self, folder: str) -> None:
        try:
            with folder_below(self._root, folder.split("/") if folder else []) as place, readable(place) as descriptor:
                self._read(descriptor, f"{folder}/" if folder else "")
        except InTheWayError as error:
            if error.is_foreign:
                self._pass_over(error.path, error.found)
        except (FileNotFoundError, NotADirectoryError):
            pass  # deleted, or replaced by a file, since its folder was read

    def _read(self, descriptor: int, base: str) -> None:
        with os.scandir(descriptor) as names:
            for number, entry in enumerate(names):
                self._meter.count(1, len(base) + len(entry.name))
                if number % _LOOK_EACH == 0 and self._is_over():
                    return
                key = base + entry.name
                if is_key(entry.name) and len(key) <= KEY_LIMIT and key.startswith(self._prefix):
                    self._take(key, entry)

    def _take(self, key: str, entry: os.DirEntry[str]) -> None:
        try:
            if entry.is_file(follow_symlinks=False):
                state = entry.stat(follow_symlinks=False)
                self.found.entries.append(Entry(key, state.st_size, state.st_mtime_ns / 1e9))
            elif entry.is_dir(follow_symlinks=False):
                self._pending.append(key)
            else:
                self._pass_over(key, InTheWayError(key, entry.stat(follow_symlinks=False).st_mode).found)
        except FileNotFoundError:
            pass  # deleted since its folder was read

    def _pass_over(self, path: str, reason: str) -> None:
        if len(self.found.passed_over) < _NOTED:
            self.found.passed_over[path] = reason

    def _is_over(self) -> bool:
        self.found.excess = self.found.excess or self._meter.excess(now=time.monotonic())
        return bool(self.found.excess) or self._abandoned()
