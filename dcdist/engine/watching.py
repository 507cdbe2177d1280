"""Watches the swarm: what happens there becomes events of the planner and reports of the fetch.

Invariant: what the swarm reports of a layer is passed on only once that layer takes part.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, assert_never

from dcdist.engine import troubles
from dcdist.policy.planner_events import POLL, HostsLinked, PeersGave, PeersLack, PeersSeen, PieceFoundCorrupt
from dcdist.ports import swarm as swarm_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.engine.byte_counts import ByteCounts
    from dcdist.engine.driving import Driver
    from dcdist.engine.fetch_events import FetchEvent, Progress
    from dcdist.engine.fetch_job import Ports
    from dcdist.engine.open_layers import OpenLayer, OpenLayers
    from dcdist.engine.reuse import KnownFrames
    from dcdist.model.pieces import Bits
    from dcdist.ports.swarm import SwarmEvent

_WRITE_BEHIND = 1.0
"""Seconds between two looks at what may not be in the files yet."""


class SwarmWatch:
    """The watch of one fetch. Its three methods run until they are cancelled, each in a task of its own."""

    def __init__(
        self,
        ports: Ports,
        layers: OpenLayers,
        driver: Driver,
        counts: ByteCounts,
        *,
        known: KnownFrames,
        report: Callable[[FetchEvent], None],
    ) -> None:
        self._ports = ports
        self._layers = layers
        self._driver = driver
        self._counts = counts
        self._known = known
        self._report = report

    async def take_events(self) -> None:
        """Pass on what happens.

        Raises:
            DcdistError: The swarm broke.
        """
        while True:
            for event in await self._ports.swarm.events():
                await self._take(event)

    async def poll(self, polled: Callable[[float, float], None]) -> None:
        """Look at what peers hold and gave, twice a second; `polled` gets the bytes a second from store and peers."""
        reported: Progress | None = None
        linked: int | None = None
        while True:
            statistics = self._ports.swarm.statistics()
            self._counts.swarm = statistics
            self._look_at_peers()
            if statistics.peers != linked:
                linked = statistics.peers
                self._driver.tell(HostsLinked(linked))
            self._driver.tell(PeersGave(statistics.useful))
            going = self._driver.statistics()
            if going.all_seen:
                self._driver.tell(PeersLack(self._ports.swarm.lacking()))
            self._counts.rates(store=going.from_store, peers=going.from_peers)
            polled(going.from_store, going.from_peers)
            progress = self._counts.progress()
            if progress != reported or not self._layers.whole:
                # A seeder reports changes only; a host that waits reports that, too.
                self._report(progress)
                reported = progress
            await asyncio.sleep(POLL)

    async def write_behind(self) -> None:
        """Have finished pieces written every second: what a kill finds unwritten has to be fetched again."""
        written: dict[int, Bits] = {}
        while True:
            await asyncio.sleep(_WRITE_BEHIND)
            for opened in self._layers.incomplete():
                have = opened.layer.have
                if not opened.layer.complete and have != written.get(opened.number, 0):
                    await opened.swarm_layer.flush()
                    written[opened.number] = have

    def _look_at_peers(self) -> None:
        for opened in self._layers.incomplete():
            swarm_layer = opened.swarm_layer
            # Matters only where pieces are drawn that peers hold, and costs too much to be looked at always.
            coming = swarm_layer.coming() if opened.peers.coming else 0
            peers = PeersSeen(opened.number, swarm_layer.available(), coming)
            if peers != opened.peers:
                opened.peers = peers
                self._driver.tell(peers)

    async def _take(self, event: SwarmEvent) -> None:
        match event:
            case swarm_port.PiecesPassed():
                self._layers.finished(await self._layers.named(event.layer), event.pieces)
            case swarm_port.PieceFailed():
                self._piece_failed(event, await self._layers.named(event.layer))
            case swarm_port.PeersLied():
                self._report(troubles.peers_lied(event))
            case swarm_port.PeerBanned():
                self._report(troubles.peer_banned(event))
            case swarm_port.AddressRefused():
                self._report(troubles.address_refused(event))
            case swarm_port.SwarmBroke():
                raise event.error
            case _:
                assert_never(event)

    def _piece_failed(self, event: swarm_port.PieceFailed, opened: OpenLayer) -> None:
        bit = 1 << event.piece
        opened.swarm_layer.release(bit)
        copied = event.injected and bool(opened.copied & bit)
        opened.copied &= ~bit
        self._driver.tell(PieceFoundCorrupt(opened.number, event.piece, event.injected and not copied))
        if copied:
            self._report(troubles.copy_is_wrong(event, self._known.files(opened.index, event.piece)))
        elif event.injected:
            self._report(troubles.drawn_piece_is_wrong(event, opened.index, self._ports.store))
        else:
            self._report(troubles.traded_piece_is_wrong(event))
