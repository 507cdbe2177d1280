"""The body of an import as it is read: counted, at an ordered speed, and up to an ordered end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tools.lab.xapi.compression import compression_of, unpacked
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.tar_header import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.lab.xapi.archive import ArchiveReader, Step
    from tools.lab.xapi.orders import Fault

_AT_ONCE = 256 * 1024
_SLOW_AT_ONCE = 16 * 1024


class Reset(Exception):  # noqa: N818 - what is done, not what went wrong
    """The connection is to be reset."""


class Body:
    """Reads from a connection what an import needs; `taken` counts the bytes."""

    def __init__(self, read: Callable[[int], bytes], fault: Fault) -> None:
        """`read` gives some bytes, at most as many as it is asked for, and none at the end."""
        self._read = read
        self._fault = fault
        self._begun = time.monotonic()
        self.taken = 0

    def some(self, most: int) -> bytes:
        """Some bytes; none at the end.

        Raises:
            Failure: It is ordered that the import fails here.
            Reset: It is ordered that the connection is reset here.
        """
        left = most if self._fault.at is None else self._fault.at - self.taken
        if left <= 0:
            self.end_as_ordered()
        most = min(most, left)
        data = self._read(min(most, _SLOW_AT_ONCE if self._fault.rate else _AT_ONCE))
        self.taken += len(data)
        if self._fault.rate:
            time.sleep(max(0.0, self._begun + self.taken / self._fault.rate - time.monotonic()))
        return data

    def end_as_ordered(self) -> None:
        """Nothing, unless it is ordered how the import ends.

        Raises:
            Failure: It fails.
            Reset: The connection is reset.
        """
        if self._fault.error:
            raise Failure(*self._fault.error)
        if self._fault.reset:
            raise Reset

    def steps(self, reader: ArchiveReader, length: int | None) -> Iterator[Step]:
        """Read an archive: a plain one to its last block, a packed one to its end or for `length` bytes.

        Raises:
            Failure: The archive cannot be read, or as ordered.
            Reset: As ordered.
        """
        first = self._first()
        compression = compression_of(first)
        if compression is None:
            yield from reader.receive(first)
            while reader.wanted:
                yield from reader.receive(self._more(reader.wanted))
            return
        for plain in unpacked(compression, self._packed(first, length)):
            rest = memoryview(plain)
            while rest and reader.wanted:
                taken, rest = rest[: reader.wanted], rest[reader.wanted :]
                yield from reader.receive(bytes(taken))
        if reader.wanted:
            raise Failure.of_early_end()

    def _first(self) -> bytes:
        block = b""
        while len(block) < BLOCK:
            block += self._more(BLOCK - len(block))
        return block

    def _more(self, most: int) -> bytes:
        data = self.some(most)
        if not data:
            raise Failure.of_early_end()
        return data

    def _packed(self, first: bytes, length: int | None) -> Iterator[bytes]:
        yield first
        while length is None or self.taken < length:
            data = self.some(_AT_ONCE if length is None else length - self.taken)
            if not data:
                return
            yield data
