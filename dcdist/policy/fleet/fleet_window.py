"""How many stripes may a large fleet have in flight? What comes in some seconds, in an order that a prefix knows.

If every one of ten thousand hosts began at once, each would get a ten-thousandth of the store: no piece would be whole
for a minute, peers would have nothing to trade meanwhile, and the last pieces would all come at the end. So the stripes
of a prefix come one after another: those that nobody has yet, in the order of the release, as many as the fleet's share
allows. What appears at peers lets the next begin; so a slow store sets the pace by itself, and a fast one is asked for
more each time. Invariant: one stripe at least may always be drawn.
"""

from __future__ import annotations

from math import ceil

from dcdist.policy.lateness import SILENCE, VIEW_LAG, Lateness

_TOGETHER = 1024
"""Stripes that a fleet has in flight at most; a prefix of b bits has that over 2**b."""

_AT_FIRST = 256
"""The same before anything has appeared; each stripe that does allows one more."""

_AHEAD = 4.0
"""Seconds in which what is in flight is to come. More would be whole later and bring nothing; with less the store would
wait for the fleet, which sees within two seconds what has come."""

_LEAST = 4
"""Stripes of a prefix that may be in flight whatever the pace, if that is its share: at first all are slow."""

_CROWD = 64
"""A prefix has no more members: where its share is more than that, nobody waits for a turn."""


class FleetWindow:
    """How the stripes of one prefix appear; `begun` (seconds) is when its members may begin."""

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self._lateness = Lateness(begun)
        self._shown = 0

    def shown(self, stripes: int, *, now: float) -> None:
        """So many stripes of the prefix appeared at peers or here."""
        if stripes:
            self._shown += stripes
            self._lateness.came(now=now)

    def window(self, bits: int) -> int | None:
        """How many of the stripes of a prefix that nobody has may be drawn, from the first on; None: all."""
        most = max(1, _TOGETHER >> bits)
        if most > _CROWD:
            return None
        allowed = max(1, _AT_FIRST >> bits) + self._shown
        if self._lateness.latest > self.begun:
            pace = self._shown / (self._lateness.latest - self.begun)
            allowed = min(allowed, max(_LEAST, ceil(pace * _AHEAD)))
        return min(most, allowed)

    def stripe_time(self, window: int) -> float:
        """Seconds from a stripe's turn until it appears, when `window` are in flight."""
        return (self._lateness.latest - self.begun) / self._shown * window if self._shown else _AHEAD

    def overdue(self, expected: float, *, now: float) -> float:
        """Seconds for which the next stripe has been overdue that should take `expected`; negative if not."""
        return self._lateness.overdue(SILENCE, 1.5 * expected, lag=VIEW_LAG, now=now)
