"""For how long has this host gained too little, whatever others claim? Time is paid for with bytes.

Bytes that the store brings pay for all time until now; bytes of peers pay for ten times what the store would need for
them. So a trickle buys little time and a burst none in advance, and all that is missing buys no more than ten times
what the store would need for it.
"""

from __future__ import annotations

from dcdist.policy.lateness import MUCH_SLOWER

_MOST = 60.0
"""Seconds of silence that count: peers that begin to give are believed again soon."""


class Silence:
    """The time that is not paid for."""

    def __init__(self, begun: float) -> None:
        """`begun`: when the host began to want something, in seconds."""
        self._paid_until = begun

    def drew(self, *, now: float) -> None:
        """The store brought something, or is not to be asked until then."""
        self._paid_until = max(self._paid_until, now)

    def gained(self, store_seconds: float, *, now: float) -> None:
        """Peers brought bytes for which the store would need so many seconds."""
        paid = min(now, max(self._paid_until, now - _MOST) + MUCH_SLOWER * store_seconds)
        self._paid_until = max(self._paid_until, paid)

    def lasts(self, *, now: float) -> float:
        """Seconds."""
        return now - self._paid_until
