"""For how long have peers brought too little, while the store was asked for nothing? They pay for time with pieces.

A piece of theirs that passed its check pays for ten times what the store would need for it, never in advance. Nothing
else pays: a trickle buys little time, offers and rubbish none, and all that is missing no more than ten times what the
store would need for it.
"""

from __future__ import annotations

from dcdist.policy.lateness import MUCH_SLOWER

MOST = 60.0
"""Seconds that count: peers that begin to give are believed again soon."""


class UnpaidTime:
    """Passes while the store could be asked for something that is missing, and is not."""

    def __init__(self, begun: float) -> None:
        """`begun`: when the host began to want something, in seconds."""
        self._seconds = 0.0
        self._at = begun
        self._passes = False

    def goes_on(self, *, passes: bool, now: float) -> None:
        """Whether it passes from now on: not while a request is under way, or the store is not to be asked."""
        self._seconds = self.lasts(now=now)
        self._at, self._passes = now, passes

    def paid(self, store_seconds: float, *, now: float) -> None:
        """Peers brought pieces for which the store would need so many seconds."""
        self._seconds = max(0.0, self.lasts(now=now) - MUCH_SLOWER * store_seconds)
        self._at = now

    def owed(self, seconds: float, *, now: float) -> None:
        """So much of what did not pass did after all: what seemed to be asked of the store was not."""
        self._seconds = self.lasts(now=now) + seconds
        self._at = now

    def lasts(self, *, now: float) -> float:
        """Seconds of it."""
        return min(MOST, self._seconds + (now - self._at if self._passes else 0.0))
