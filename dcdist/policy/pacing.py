"""How fast to take bytes: a token bucket that goes into debt, so the average holds whatever the parts' sizes. Pure."""

from __future__ import annotations

_SAVED_SECONDS = 0.25


class Pace:
    """A bound on bytes a second, shared by all who spend from it; `rate` may be changed at any time.

    Invariant: over any span that begins with a spend, the bytes spent by those who wait as told are at most
    `rate` * seconds, plus what a quarter second brings, plus one part for each spender.
    """

    __slots__ = ("_debt", "_seen", "rate")

    def __init__(self, rate: float | None = None) -> None:
        """Begin without debt or savings. `rate`: bytes a second, more than 0; None: no bound."""
        self.rate = rate
        self._debt = 0.0
        self._seen: float | None = None

    def spend(self, amount: int, *, now: float) -> float:
        """Record `amount` bytes; returns the seconds until all debt is paid, 0 if there is none.

        Spend 0 to ask again: another spender or a new rate may have moved that time.
        """
        if self.rate is None:
            self._debt, self._seen = 0.0, None
            return 0.0
        if self._seen is not None:
            # A sleeper wakes late: what it missed is saved, but idle time beyond that is not.
            earned = self.rate * (now - self._seen)
            self._debt = max(self._debt - earned, -_SAVED_SECONDS * self.rate)
        self._seen = now
        self._debt += amount
        return max(self._debt / self.rate, 0.0)
