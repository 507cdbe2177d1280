"""How fast this host takes bytes: its limits and its share of the fleet's, applied to the store's pace and the swarm.

Invariant: what the pace allows is within each limit that is set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.requests import budget

if TYPE_CHECKING:
    from dcdist.engine.fetch_options import Rates
    from dcdist.policy.fleet.fleet_share import FleetShare
    from dcdist.policy.requests.pacing import Pace
    from dcdist.ports.swarm import Swarm


class RateLimits:
    """The limits of one fetch, in bytes a second."""

    def __init__(self, rates: Rates, pace: Pace, swarm: Swarm, fleet: FleetShare | None) -> None:
        """`fleet`: this host's share of what all hosts may take from the store; None: that is not limited."""
        self._rates = rates
        self._pace = pace
        self._swarm = swarm
        self._fleet = fleet

    def share(self, *, store: float, peers: float, noticed_from: float, now: float) -> None:
        """Set the limits anew, now that store and peers give so much; see `FleetShare` for `noticed_from`."""
        limits = [] if self._rates.store is None else [self._rates.store]
        if self._fleet is not None:
            limits.append(self._fleet.rate(noticed_from=noticed_from, now=now))
        if self._rates.down is not None:
            for_store, for_peers = budget.split(self._rates.down, store=store, peers=peers)
            limits.append(for_store)
            self._swarm.limit(up=self._rates.up, down=for_peers)
        self._pace.rate = min(limits, default=None)
