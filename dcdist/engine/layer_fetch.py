"""One fetch of layers: wires the planner's driver, the open layers, the watch of the swarm and the membership.

Invariant: every task of a fetch belongs to its one task group, and ends with it.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.engine.driving import Driver, planner_options
from dcdist.engine.fetch_events import Trouble, Troubled
from dcdist.engine.membership import Listeners, Membership
from dcdist.engine.open_layers import OpenLayers
from dcdist.engine.rate_limits import RateLimits
from dcdist.engine.reach_watch import ReachWatch
from dcdist.engine.watching import SwarmWatch
from dcdist.model import pieces
from dcdist.model.member import Member, Role
from dcdist.policy.fleet.fleet_share import FleetShare
from dcdist.policy.preference import PREFERENCES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AsyncExitStack

    from dcdist.engine.byte_counts import ByteCounts
    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_job import Job, Ports
    from dcdist.engine.frame_source import FrameSource
    from dcdist.model.pieces import Bits
    from dcdist.policy.planner_events import MembersChanged, PrefixChanged


class LayerFetch:
    """Brings the layers of a job, then goes on giving them."""

    def __init__(
        self,
        job: Job,
        ports: Ports,
        counts: ByteCounts,
        *,
        arrived: Callable[[FrameSource, Sequence[int]], None],
        report: Callable[[FetchEvent], None],
        trace: Callable[[str], None] | None = None,
    ) -> None:
        """`arrived` gets frames whose pieces are here; `trace` a line for each event and for the commands after it."""
        self._job = job
        self._ports = ports
        self._report = report
        self._loop = asyncio.get_running_loop()
        options = planner_options(job, begun=self._loop.time(), meets=ports.rendezvous is not None)
        self._driver = Driver(options, ports.store, counts, report=report, trace=trace)
        self._layers = OpenLayers(
            job, ports, counts, tell=self._driver.tell, report=report, arrived=arrived, all_open=self._needs_only
        )
        self._watch = SwarmWatch(ports, self._layers, self._driver, counts, known=job.known, report=report)
        cap = job.options.rates.fleet_store
        self._fleet = None if cap is None else FleetShare(cap, acquainted_from=options.acquainted_from)
        self._rate_limits = RateLimits(job.options.rates, job.pace, ports.swarm, self._fleet)
        self._membership = self._make_membership()
        self.reach = ReachWatch(job, ports.swarm, self._membership, report=report)
        """What this host knows of the others, and whom it reaches."""

    async def run(self, stack: AsyncExitStack) -> None:
        """Go on until cancelled; `wait_for_layers` tells when all is here. `stack` closes what is opened.

        Raises:
            FetchFailedError: Nothing has come from anywhere for too long.
            DcdistError: Something broke that cannot be worked around.
        """
        for address, port in self._job.options.reach.peers:
            self._ports.swarm.connect(address, port)
        self._share_rates(0.0, 0.0)
        async with asyncio.TaskGroup() as group:
            if self._membership is not None:
                # The others must be known before the first draw, but not before the cache is open.
                await self._membership.begin()
            self.reach.look()
            if self._membership is not None:
                group.create_task(self._membership.run())
            for planned in self._job.plan.layers:
                group.create_task(self._layers.look_after(planned, stack))
            group.create_task(self._watch.take_events())
            group.create_task(self._watch.poll(self._look_around))
            group.create_task(self._watch.write_behind())
            await self._driver.run(self._layers, group)

    async def wait_for_layers(self) -> None:
        """Return when all layers are here, whole."""
        await self._layers.wait_until_whole()

    def become_seeder(self) -> None:
        """Let the others know that this host needs nothing any more."""
        self.reach.needs_nothing()
        if self._membership is not None:
            self._membership.become(replace(self._membership.me, role=Role.SEEDER, needs=0))

    def _make_membership(self) -> Membership | None:
        advertised = self._job.advertise()
        if self._ports.rendezvous is None or advertised is None:
            return None
        address, port = advertised
        role = Role.DRAWER if self._job.options.draw else Role.PEER
        needs = pieces.of(layer.number for layer in self._job.plan.layers)
        me = Member(self._job.host, 0, role, address, port, self._job.release.name.version, needs)
        listeners = Listeners(
            news=self._fleet_changed,
            linked=self._ports.swarm.connect,
            unlinked=self._forget,
            troubled=lambda message: self._report(Troubled(message, Trouble.RENDEZVOUS, str(self._ports.store))),
        )
        patience = PREFERENCES[self._job.options.prefer.value].first_look
        return Membership(self._ports.rendezvous, me, listeners, patience=patience, whereabouts=self._job.advertise)

    def _needs_only(self, needs: Bits) -> None:
        """Let the others know which layers this host needs, once it is known which ones were here."""
        if self._membership is not None and needs != self._membership.me.needs:
            self._membership.become(replace(self._membership.me, needs=needs))

    def _fleet_changed(self, event: MembersChanged | PrefixChanged) -> None:
        if self._fleet is not None:
            self._fleet.told(event)
        self._driver.tell(event)

    def _forget(self, address: str, port: int) -> None:
        if (address, port) not in self._job.options.reach.peers:  # those are wanted whether they show themselves or not
            self._ports.swarm.forget(address, port)

    def _look_around(self, from_store: float, from_peers: float) -> None:
        self.reach.look()
        self._share_rates(from_store, from_peers)

    def _share_rates(self, from_store: float, from_peers: float) -> None:
        noticed_from = float("inf") if self._membership is None else self._membership.noticed_from
        self._rate_limits.share(store=from_store, peers=from_peers, noticed_from=noticed_from, now=self._loop.time())
