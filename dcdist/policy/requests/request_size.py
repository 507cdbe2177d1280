"""How long should one range request be? About two seconds of what one request gets, and a small part of the whole.

Short requests cost a server dearly; long ones keep what is in flight from being shared. The first are as short as a
stripe, because each moment before the first piece has arrived is lost to the swarm. What two hosts request at the same
moment comes twice, as some always do that do not know each other yet. That costs little while one request is a small
part of all that a fetch brings: a fetch that brings little makes shorter requests, but none so short that its answer is
waited for longer than its bytes.
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
"""A request is at most one part in so many of what a fetch brings."""


class RequestSize:
    """Bytes to ask for in one request; at least a piece by the planner's own rule."""

    def __init__(self) -> None:
        self._bytes = 0
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
        """The most bytes of the next request, by what one brings in two seconds; 0 means a single stripe."""
        return self._bytes

    def part(self, to_bring: int) -> int:
        """The most bytes of the next request of a fetch that brings so many in all."""
        least = 0.0 if self._seconds_per_byte is None else _SHORTEST_SECONDS / self._seconds_per_byte
        return max(to_bring // _PART, int(least))

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
