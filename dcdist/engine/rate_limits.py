"""How fast this host takes bytes: its bounds and its share of the fleet's, put upon the store's pace and the swarm.

Invariant: what the pace allows is within each bound that there is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.requests import budget

if TYPE_CHECKING:
    from dcdist.engine.options import EngineOptions
    from dcdist.policy.fleet.fleet_share import FleetShare
    from dcdist.policy.requests.pacing import Pace
    from dcdist.ports.swarm import Swarm


class Bounds:
    """The bounds of one fetch, in bytes a second."""

    def __init__(self, options: EngineOptions, pace: Pace, swarm: Swarm, fleet: FleetShare | None) -> None:
        """`fleet`: this host's share of what all hosts may take from the store; None: that is not bounded."""
        self._options = options
        self._pace = pace
        self._swarm = swarm
        self._fleet = fleet

    def share(self, *, store: float, peers: float, noticed_from: float, now: float) -> None:
        """Set the bounds anew, when store and peers give so much now; see `FleetShare` for `noticed_from`."""
        bounds = [] if self._options.store_rate is None else [self._options.store_rate]
        if self._fleet is not None:
            bounds.append(self._fleet.rate(noticed_from=noticed_from, now=now))
        if self._options.down_rate is not None:
            for_store, for_peers = budget.split(self._options.down_rate, store=store, peers=peers)
            bounds.append(for_store)
            self._swarm.limit(up=self._options.up_rate, down=for_peers)
        self._pace.rate = min(bounds, default=None)
