"""The store as hosts meet it: how many requests it takes at once, what it refuses, what it was asked for in all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.sim.scenario import StoreSpec


@dataclass(slots=True)
class StoreLoad:
    """What a store was asked for.

    `requests`: range requests; `throttled`: those refused; `listings`, `heartbeats`: for membership, in all;
    `membership_peak`: the most of both in one second; `sent`: payload bytes.
    """

    requests: int = 0
    throttled: int = 0
    listings: int = 0
    heartbeats: int = 0
    membership_peak: int = 0
    sent: float = 0.0


@dataclass(slots=True)
class ModelledStore:
    """One store, as the simulated hosts meet it.

    `share`: their part of all hosts, which is their part of its requests; `part`: of the bytes that it has to send once
    the part that they draw, which is their part of its link.
    """

    spec: StoreSpec
    share: float = 1.0
    part: float = 1.0
    load: StoreLoad = field(default_factory=StoreLoad)
    active: int = 0
    _busy_until: float = 0.0
    _second: int = -1
    _in_second: int = 0

    @property
    def rate(self) -> float:
        """Payload bytes a second for the simulated hosts."""
        return self.spec.rate * self.part

    @property
    def sent(self) -> float:
        """Payload bytes for all hosts together."""
        return self.load.sent / self.part

    def of_the_fleet(self) -> StoreLoad:
        """What all hosts together asked for."""
        load, share = self.load, self.share
        return StoreLoad(
            requests=round(load.requests / share),
            throttled=round(load.throttled / share),
            listings=round(load.listings / share),
            heartbeats=round(load.heartbeats / share),
            membership_peak=round(load.membership_peak / share),
            sent=self.sent,
        )

    def admit(self) -> bool:
        """A range request came: whether it is served, or told to come again later."""
        self.load.requests += 1
        if self.spec.most_requests is not None and self.active >= self.spec.most_requests * self.share:
            self.load.throttled += 1
            return False
        self.active += 1
        return True

    def ended(self) -> None:
        """A range request is over."""
        self.active -= 1

    def listed(self, *, now: float, listings: int = 1) -> float:
        """Listings of heartbeats are asked for: when the last is answered."""
        self.load.listings += listings
        return self._answered(listings, now)

    def announced(self, *, now: float) -> float:
        """A heartbeat is put: when it is there."""
        self.load.heartbeats += 1
        return self._answered(1, now)

    def _answered(self, requests: int, now: float) -> float:
        self._count(requests, now)
        if self.spec.small_rate is not None:
            self._busy_until = max(now, self._busy_until) + requests / (self.spec.small_rate * self.share)
        return max(now, self._busy_until) + self.spec.small_latency

    def _count(self, requests: int, now: float) -> None:
        if int(now) != self._second:
            self._second, self._in_second = int(now), 0
        self._in_second += requests
        self.load.membership_peak = max(self.load.membership_peak, self._in_second)
