"""Where each chunk of an image lies: zeros, a layer of the store, an earlier place of this publish, or a new frame.

New chunks go one after the other into the *new stream*, which the layer writer cuts into layers later. Invariant: the
extents of an image add up to its bytes, and neighbours that can be joined are.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcdist.publishing.cutting.known_chunks import KnownChunks, Place

NEW: Final = (1 << 31) - 1
"""The source of extents in the new stream; sources below it are positions in the list of shared layers."""

NOWHERE: Final = -1
"""The source of extents that are zeros."""


@dataclass(slots=True)
class DraftExtents:
    """Extents in columns, neighbours joined; what `source` means is up to the caller."""

    sources: array[int] = field(default_factory=lambda: array("i"))
    starts: array[int] = field(default_factory=lambda: array("Q"))
    lengths: array[int] = field(default_factory=lambda: array("Q"))

    def append(self, source: int, start: int, length: int) -> None:
        """Add an extent; zeros always start at 0."""
        if self.continues(source, start):
            self.lengths[-1] += length
        else:
            self.sources.append(source)
            self.starts.append(start)
            self.lengths.append(length)

    def continues(self, source: int, start: int) -> bool:
        """Whether an extent there would continue the last one."""
        if not self.sources or self.sources[-1] != source:
            return False
        return source == NOWHERE or self.starts[-1] + self.lengths[-1] == start

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        return iter(zip(self.sources, self.starts, self.lengths, strict=True))


@dataclass(frozen=True, slots=True)
class PlainFrame:
    """New chunks that are to be compressed together: their bytes, their SHA-256 (32 bytes each) and lengths."""

    plain: bytes
    digests: bytes
    lengths: array[int]


@dataclass(slots=True)
class ContentCounts:
    """Bytes by where they were found."""

    new: int = 0
    reused: int = 0
    zeros: int = 0

    def add(self, other: ContentCounts) -> None:
        """Count those of `other` too."""
        self.new += other.new
        self.reused += other.reused
        self.zeros += other.zeros


class Placer:
    """Places the chunks of all images, in order, and gathers new ones in frames of `frame_length` bytes."""

    def __init__(self, known: KnownChunks, frame_length: int) -> None:
        self._known = known
        self._frame_length = frame_length
        self._stream = 0
        self._used: set[int] = {NEW}
        self._run = DraftExtents()
        self._counts = ContentCounts()
        self._plain = bytearray()
        self._digests = bytearray()
        self._lengths = array("I")

    def place(self, chunks: Iterable[bytes | memoryview]) -> list[PlainFrame]:
        """Place the next chunks of the image; returns the frames that they filled. Blocks."""
        frames = []
        for chunk in chunks:
            length = len(chunk)
            if _is_zero(chunk):
                self._run.append(NOWHERE, 0, length)
                self._counts.zeros += length
                continue
            digest = hashlib.sha256(chunk).digest()
            if places := self._known.places(digest):
                source, start = self._choose(places)
                self._run.append(source, start, length)
                self._used.add(source)
                self._counts.reused += length
                continue
            self._known.add(digest, (NEW, self._stream))
            self._run.append(NEW, self._stream, length)
            self._counts.new += length
            self._stream += length
            self._plain += chunk
            self._digests += digest
            self._lengths.append(length)
            if len(self._plain) >= self._frame_length:
                frames.extend(self.rest())
        return frames

    def finish_image(self) -> tuple[DraftExtents, ContentCounts]:
        """The extents of the image, and what it was made of; the next chunk begins another."""
        run, self._run = self._run, DraftExtents()
        counts, self._counts = self._counts, ContentCounts()
        return run, counts

    def rest(self) -> list[PlainFrame]:
        """The frame that is not full, if any."""
        if not self._plain:
            return []
        frame = PlainFrame(bytes(self._plain), bytes(self._digests), self._lengths)
        self._plain.clear()
        self._digests.clear()
        self._lengths = array("I")
        return [frame]

    def _choose(self, places: list[Place]) -> Place:
        """A place that continues the last extent keeps extents few; one in a layer in use keeps layers few."""
        for source, start in places:
            if self._run.continues(source, start):
                return source, start
        return next((place for place in places if place[0] in self._used), places[0])


def _is_zero(chunk: bytes | memoryview) -> bool:
    return not chunk[0] and not bytes(chunk).strip(b"\0")
