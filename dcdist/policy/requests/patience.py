"""When to ask the store again after a failure, and when to give up altogether.

A store that is down for half a minute must not end a build; one that denies an object will not change its mind. So the
pause doubles with each failure in a row up to 15 s, and the fetch ends only when nothing has come from anywhere for
long: five minutes if the failures may pass, 20 s if they will not. A store that asks for fewer requests is there, and
gives to others meanwhile: each such answer begins the five minutes anew, up to a quarter of an hour.
"""

from __future__ import annotations

from dcdist.policy.planner_events import Failure

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 15.0
_REFUSED = 3
"""How many times as long a store is waited for that answers, if only to refuse."""


class Patience:
    """The failures of one store: when it may be asked again, and when the fetch gives up."""

    def __init__(self, *, passing: float = 300.0, lasting: float = 20.0) -> None:
        """Seconds without progress until it gives up, by the kind of the last failure."""
        self._passing = passing
        self._lasting = lasting
        self._in_a_row = 0
        self._failed_at = -1.0
        self._refused_at = float("-inf")
        self._paused_until = 0.0
        self._reason = ""
        self._last_failure: Failure | None = None
        self._despair = ""
        self._progress_at: float | None = None

    @property
    def reason(self) -> str:
        """What the last failure said, or why there is no hope."""
        return self._despair or self._reason

    def despair(self, reason: str) -> None:
        """The store will never give something that is needed, whatever else it gives; only peers may."""
        self._despair = reason

    def progressed(self, *, now: float) -> None:
        """Something was gained, from any source."""
        self._progress_at = now

    def succeeded(self) -> None:
        """The store gave what was asked."""
        self._in_a_row = 0
        self._last_failure = None

    def failed(
        self, failure: Failure, reason: str, *, retry_after: float | None, now: float, begun: float | None = None
    ) -> None:
        """The store did not give what was asked at `begun`. Requests that were cut together count once."""
        self._reason = reason
        self._last_failure = failure
        if failure is Failure.THROTTLED:
            self._refused_at = now
        if begun is None or begun > self._failed_at:
            self._in_a_row += 1
            self._failed_at = now
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._in_a_row - 1, 10))
        if retry_after is not None:
            pause = max(pause, min(retry_after, 120.0))
        self._paused_until = max(self._paused_until, now + pause)

    def paused_until(self) -> float:
        """Before this time the store is not asked."""
        return self._paused_until

    def gives_up_at(self, *, since: float) -> float:
        """When to end the fetch if nothing is gained until then; `since` is when it began."""
        begun = since if self._progress_at is None else self._progress_at
        if self._despair or self._last_failure is Failure.LASTING:
            return begun + self._lasting
        return min(max(begun, self._refused_at) + self._passing, begun + _REFUSED * self._passing)
