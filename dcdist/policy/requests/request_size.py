"""How long should one range request be? About two seconds of what one request gets.

Short requests cost a server dearly; long ones keep what is in flight from being shared. The first are as short as a
stripe, because each moment before the first piece has arrived is lost to the swarm.
"""

from __future__ import annotations

LONGEST = 16 * 1024 * 1024
"""Bytes of the longest request."""

_SECONDS = 2.0


class RequestSize:
    """Bytes to ask for in one request; at least a stripe by the planner's own rule."""

    def __init__(self) -> None:
        self._bytes = 0
        self._seconds_sum = 0.0
        self._length_sum = 0.0

    @property
    def _seconds_per_byte(self) -> float | None:
        return self._seconds_sum / self._length_sum if self._length_sum else None

    @property
    def limit(self) -> int:
        """The most bytes of the next request; 0 means a single stripe."""
        return self._bytes

    @property
    def known(self) -> bool:
        """Whether a request has ended, so that it is known what one gets."""
        return self._seconds_per_byte is not None

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
