"""How long should one range request be? About two seconds of what one request gets, and a small part of what is left.

Short requests cost a server dearly; long ones keep what is in flight from being shared, and what two hosts request at
the same moment comes twice. That costs little while a request is a small part of what its host lacks, so requests are
short at the end of a release and throughout a small one; but never so short that waiting for answers takes longer. The
first is a single piece: hosts that begin together may not know each other yet.
"""

from __future__ import annotations

from dcdist.model.geometry import MIB

LONGEST = 16 * MIB
"""Bytes of the longest request."""

_SECONDS = 2.0
"""Seconds that a long request takes."""

_SHORTEST_SECONDS = 0.1
"""Seconds that a request takes at least: several times what a store needs to answer."""

_PART = 16
"""A request is at most one part in so many of what its host lacks."""


class RequestSize:
    """Bytes to ask for in one request; at least a piece by the planner's own rule."""

    def __init__(self) -> None:
        self._bytes = 1
        self._seconds_sum = 0.0
        self._length_sum = 0.0

    @property
    def _seconds_per_byte(self) -> float | None:
        return self._seconds_sum / self._length_sum if self._length_sum else None

    @property
    def known(self) -> bool:
        """Whether a request has ended, so that it is known what one gets."""
        return self._seconds_per_byte is not None

    @property
    def limit(self) -> int:
        """The most bytes of the next request, by what one brings in two seconds."""
        return self._bytes

    def part(self, lacking: int) -> int:
        """The most bytes of the next request of a host that lacks so many."""
        least = 0.0 if self._seconds_per_byte is None else _SHORTEST_SECONDS / self._seconds_per_byte
        return max(lacking // _PART, int(least))

    def seconds_for(self, length: int) -> float:
        """How long a request of `length` bytes takes, by the latest ones; a second if there was none."""
        return 1.0 if self._seconds_per_byte is None else length * self._seconds_per_byte

    def finished(self, length: int, seconds: float) -> None:
        """A request of `length` bytes took `seconds`."""
        # Weighed by length: a last piece of a few bytes says nothing of what a stripe takes.
        self._seconds_sum = 0.7 * self._seconds_sum + max(seconds, 1e-4)
        self._length_sum = 0.7 * self._length_sum + max(length, 1)
        wanted = int(_SECONDS * self._length_sum / self._seconds_sum)
        self._bytes = min(LONGEST, wanted, max(4 * length, self._bytes))
