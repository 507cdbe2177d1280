"""Where images are cut: fixed runs from the beginning of each member's body and of each literal, never across them.

Pure. Invariant: the chunks, joined, are the parts, joined; and the same parts give the same chunks, however they are
split: an inserted member moves those behind it, and their chunks stay the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcdist.formats.xva import Part


class Chunker:
    """Cuts one image in chunks of `length` bytes; the last of each body and literal is shorter."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._kind: type[Part] | None = None
        self._rest = bytearray()

    def receive(self, parts: Iterable[Part]) -> Iterator[bytes | memoryview]:
        """The chunks that these parts complete."""
        for part in parts:
            if type(part) is not self._kind:
                yield from self.finish()
                self._kind = type(part)
            data = part.data
            if self._rest:
                missing = self._length - len(self._rest)
                self._rest += data[:missing]
                data = data[missing:]
                if len(self._rest) == self._length:
                    yield from self.finish()
            whole = len(data) - len(data) % self._length
            for start in range(0, whole, self._length):
                yield data[start : start + self._length]
            self._rest += data[whole:]

    def finish(self) -> Iterator[bytes]:
        """The chunk that the end completes, if any."""
        if self._rest:
            chunk = bytes(self._rest)
            self._rest.clear()
            yield chunk
