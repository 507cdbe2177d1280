"""One thread that checks pieces and writes the good ones. Invariant: a piece reported as good is in the data file.

One thread is enough: SHA-1 (0.57 s/GiB) and the copy into the page cache allow 250 MB/s and more. No other thread
opens, writes or closes the data files, so none is closed during a write.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

from dcdist.disk.check import piece_hash, sha1
from dcdist.disk.durable import write_at
from dcdist.disk.free_space import allocated_bytes
from dcdist.disk.own_file import WRITE
from dcdist.disk.system_errors import refusals
from dcdist.disk.writeback import EarlyWriteback
from dcdist.errors import DiskError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dcdist.model.layer import Index


@dataclass(frozen=True, slots=True)
class Injection:
    """A whole piece for the data file at `path`."""

    index: Index
    path: Path
    piece: int
    data: bytes


@dataclass(frozen=True, slots=True)
class InjectionResult:
    """The result of an injection: `error` if the disk refused, else `good` if the piece passed its check."""

    injection: Injection
    good: bool
    error: DiskError | None = None


class PieceWriter:
    """The thread and its open files. It calls `notify` when there are results, and `ended` at its end."""

    def __init__(self, *, notify: Callable[[], None], ended: Callable[[], None]) -> None:
        self._notify = notify
        self._ended = ended
        self._injections: SimpleQueue[Injection | None] = SimpleQueue()
        self._results: deque[InjectionResult] = deque()
        self._unnotified = True
        self._files: dict[Path, tuple[int, EarlyWriteback]] = {}
        # A daemon: a process whose owner died without closing does not hang at exit.
        self._thread = Thread(target=self._serve, name="dcdist-pieces", daemon=True)
        self._thread.start()

    def submit(self, injection: Injection) -> None:
        """Have a piece checked and written."""
        self._injections.put(injection)

    def take(self) -> list[InjectionResult]:
        """The results since the last call, in order of submission; `notify` is called again for later ones."""
        self._unnotified = True
        return [self._results.popleft() for _ in range(len(self._results))]

    def stop(self) -> None:
        """End the thread when all submitted pieces are done; it calls `ended` then."""
        self._injections.put(None)

    def join(self) -> None:
        """Wait for the end of the thread, after `ended` was called."""
        self._thread.join()

    def _serve(self) -> None:
        while (injection := self._injections.get()) is not None:
            self._results.append(self._result(injection))
            # First the result, then the flag; `take` does the reverse, so that no result goes unnoticed.
            if self._unnotified:
                self._unnotified = False
                self._notify()
        for descriptor, _ in self._files.values():
            os.close(descriptor)
        self._ended()

    def _result(self, injection: Injection) -> InjectionResult:
        index, piece, data = injection.index, injection.piece, injection.data
        geometry = index.geometry
        if len(data) != geometry.piece_size(piece) or sha1(data) != piece_hash(index, piece):
            return InjectionResult(injection, good=False)
        try:
            with refusals(injection.path, "write layer", needed=lambda: _missing(injection)):
                descriptor, writeback = self._file(injection.path)
                write_at(descriptor, piece * geometry.piece_length, data)
                writeback.wrote(descriptor, len(data))
        except DiskError as error:
            return InjectionResult(injection, good=False, error=error)
        return InjectionResult(injection, good=True)

    def _file(self, path: Path) -> tuple[int, EarlyWriteback]:
        if path not in self._files:
            self._files[path] = os.open(path, WRITE), EarlyWriteback()
        return self._files[path]


def _missing(injection: Injection) -> int:
    return max(0, injection.index.geometry.length - allocated_bytes(injection.path))
