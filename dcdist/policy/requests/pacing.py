"""How fast to take bytes: a token bucket that goes into debt, so the average holds whatever the parts' sizes. Pure."""

from __future__ import annotations

_SAVED_SECONDS = 0.25


class Pace:
    """A bound on bytes a second, shared by all who spend from it; `rate` may be changed at any time.

    First come, first served. Invariant: over any span, what is paid for is at most `rate` * seconds plus what a quarter
    second brings; whoever takes bytes only when they are paid for stays within that.
    """

    __slots__ = ("_paid", "_seen", "_spent", "rate")

    def __init__(self, rate: float | None = None) -> None:
        """Begin without debt or savings. `rate`: bytes a second, more than 0; None: no bound."""
        self.rate = rate
        self._spent = 0
        self._paid = 0.0
        self._seen: float | None = None

    @property
    def spent(self) -> int:
        """Bytes spent so far, paid for or not: a place in the queue, for `wait`."""
        return self._spent

    def spend(self, amount: int, *, now: float) -> float:
        """Record `amount` bytes; the seconds until they, and all before them, are paid for."""
        self._earn(now)
        self._spent += amount
        return self.wait(self._spent, now=now)

    def wait(self, place: int, *, now: float) -> float:
        """Seconds until all bytes up to `place` are paid for at the present rate; 0 if they are."""
        self._earn(now)
        if self.rate is None:
            return 0.0
        debt = place - self._paid
        # A fraction of a byte is no debt: the wait for it can be too short to move a clock.
        return debt / self.rate if debt >= 1.0 else 0.0

    def _earn(self, now: float) -> None:
        if self.rate is None:
            self._paid, self._seen = float(self._spent), None
            return
        if self._seen is not None:
            # A sleeper wakes late: what it missed is saved, but idle time beyond that is not.
            earned = self._paid + self.rate * (now - self._seen)
            self._paid = min(earned, self._spent + _SAVED_SECONDS * self.rate)
        self._seen = now
