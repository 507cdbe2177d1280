"""How many range requests at once? As many as still bring more, fewer when the store asks.

More requests than the store's link needs only make each slower, and what is in flight can be given to nobody. So the
count is tried upwards, one at a time, and a step is kept only if the throughput rose by a tenth.
"""

from __future__ import annotations

_TRIAL = 1.5
"""Seconds that a count is held before it is judged."""

_RESTRAINT = 20.0
"""Seconds for which a store that asked for fewer requests gets no more."""


class Concurrency:
    """The number of requests that may run at once, between 1 and `most`."""

    def __init__(self, *, first: int = 2, most: int) -> None:
        self._limit = first
        self._most = most
        self._judge_at: float | None = None
        self._before = 0.0
        self._rest_until = 0.0
        self._restrained_until = 0.0
        self._throttled_at = -1.0

    @property
    def limit(self) -> int:
        """How many may run now."""
        return self._limit

    def observed(self, rate: float, running: int, *, now: float) -> None:
        """The store gives `rate` bytes a second with `running` requests; call it once in a while."""
        if running < self._limit or now < self._rest_until:
            # Judged only when the limit was what held us back.
            self._judge_at = None
            return
        if self._judge_at is None:
            self._before = rate
            self._judge_at = now + _TRIAL
            if self._limit < self._most:
                self._limit += 1
            return
        if now < self._judge_at:
            return
        self._judge_at = None
        if rate < self._before * 1.1:
            self._limit = max(2, self._limit - 1)
            self._rest_until = now + 4 * _TRIAL

    def restrained(self, *, now: float) -> bool:
        """Whether the store asked for fewer lately."""
        return now < self._restrained_until

    def throttled(self, *, now: float, begun: float) -> None:
        """The store asked for fewer requests, in answer to one that began at `begun`.

        Requests that were under way together are throttled together: that is one wish, not several.
        """
        if begun <= self._throttled_at:
            return
        self._throttled_at = now
        self._limit = max(1, self._limit // 2)
        self._judge_at = None
        self._rest_until = self._restrained_until = now + _RESTRAINT
