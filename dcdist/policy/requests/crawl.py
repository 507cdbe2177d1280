"""Is a request much slower than the store is? A body that drips is no stall, and would be waited for all night.

Only a comparison tells: a request is left when another one was ten times as fast just now. When none ends at all, one
more than usual is tried, so that there is something to compare with.
"""

from __future__ import annotations

from dcdist.policy.lateness import MUCH_SLOWER

LONG = 6.0
"""Seconds that a request may take in any case, or go without a byte; and that its rest must take to be left."""

_LATELY = 15.0
"""Seconds for which a request that ended says how fast the store is."""


class Crawl:
    """Follows the paces (bytes a second) of the requests that ended."""

    def __init__(self) -> None:
        self._ended_at = float("-inf")
        self._pace = 0.0

    def finished(self, length: int, seconds: float, *, now: float) -> None:
        """A request of `length` bytes took `seconds`."""
        self._ended_at = now
        self._pace = length / max(seconds, 1e-4)

    def crawls(self, length: int, came: int, seconds: float, *, now: float) -> bool:
        """Whether a request of which `came` bytes came in `seconds` should be left and its rest asked for anew."""
        if seconds < LONG or now - self._ended_at > _LATELY:
            return False
        pace = came / seconds
        return pace * MUCH_SLOWER < self._pace and length - came > pace * LONG

    def extra(self, oldest: float, *, now: float) -> int:
        """Requests beyond the usual number: one if those that run, the oldest since `oldest`, do not end."""
        return int(now - max(oldest, self._ended_at) >= LONG)
