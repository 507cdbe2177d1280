"""Is something late that comes again and again? One way to reckon it, for owners, fleets, other prefixes and peers."""

from __future__ import annotations

from dataclasses import dataclass

VIEW_LAG = 1.5
"""Seconds until one host notices what another has drawn: word of it waits behind a full link's queue."""

SILENCE = 2.0
"""Seconds without anything that are never taken for a stall, beyond what the view lags."""

MUCH_SLOWER = 10
"""How many times as slow as the store could be something must be to be left: a comparison of rates is never exact."""


@dataclass(slots=True)
class Lateness:
    """When something came last, or could first have come: `latest`, in seconds."""

    latest: float

    def came(self, *, now: float) -> None:
        """It came."""
        self.latest = max(self.latest, now)

    def silence(self, *, now: float) -> float:
        """Seconds since it came; negative while it cannot have come."""
        return now - self.latest

    def overdue(self, *allowed: float, lag: float = 0.0, now: float) -> float:
        """Seconds for which it has been late: beyond the longest of `allowed` and the `lag` of word of it.

        Negative if it is not late.
        """
        return self.silence(now=now) - lag - max(allowed)
