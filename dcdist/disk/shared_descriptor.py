"""A file that many threads read and write. Invariant: it is closed only when no call uses it, and never used again.

Otherwise a thread that outlives its cancelled caller could write into the file that gets the same descriptor next.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Condition
from typing import TYPE_CHECKING

from dcdist.errors import InvariantError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class SharedDescriptor:
    """Owns a descriptor; `path` stands in messages."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self._users = 0
        self._ended = False
        self._change = Condition()

    @contextmanager
    def use(self) -> Iterator[int]:
        """The descriptor, for the duration of one call.

        Raises:
            InvariantError: The file was ended.
        """
        with self._change:
            if self._ended:
                raise InvariantError(f"{self._path} is used after its end")
            self._users += 1
        try:
            yield self._descriptor
        finally:
            with self._change:
                self._users -= 1
                if not self._users:
                    self._change.notify_all()

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes: fewer only at the end of the file."""
        with self.use() as descriptor:
            data = os.pread(descriptor, length, offset)
            while len(data) < length:
                more = os.pread(descriptor, length - len(data), offset + len(data))
                if not more:
                    break
                data += more
            return data

    def end(self) -> int:
        """Refuse new calls, wait for those in flight; returns the descriptor, which `close` closes. May be repeated."""
        with self._change:
            self._ended = True
            self._change.wait_for(lambda: not self._users)
        return self._descriptor

    def close(self) -> None:
        """End it and close the descriptor; closing twice does nothing."""
        self.end()
        with self._change:
            descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
