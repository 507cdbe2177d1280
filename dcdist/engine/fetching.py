"""One fetch: results of ports become events, the planner's commands become tasks.

It owns the tasks of a fetch and nothing else; every decision is the planner's, every effect a port's.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from dcdist.engine import troubles
from dcdist.engine.drawing import draw, needless, object_of
from dcdist.engine.fetch_events import Trouble, Troubled
from dcdist.engine.membership import Audience, Membership
from dcdist.engine.options import Order
from dcdist.engine.preparation import open_layer
from dcdist.engine.rate_limits import Bounds
from dcdist.engine.reuse import copy_pieces, known_pieces
from dcdist.errors import FetchFailedError
from dcdist.model import pieces
from dcdist.model.member import Member, Role
from dcdist.policy.fleet.acquaintance import ACQUAINTED_AFTER
from dcdist.policy.fleet.fleet_share import FleetShare
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import AskFirst, Draw, Drop, GiveUp
from dcdist.policy.planner_events import (
    BytesDrawn,
    CopyBegan,
    CopyEnded,
    DrawNeedless,
    Event,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersLack,
    PeersSeen,
    PieceFoundCorrupt,
    PiecesFinished,
    PrefixChanged,
)
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import PREFERENCES
from dcdist.policy.trace import RecordedPlanner
from dcdist.ports import swarm as swarm_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from dcdist.engine.assembly import Assembly, Source
    from dcdist.engine.byte_counts import Tally
    from dcdist.engine.fetch_events import FetchEvent, Progress
    from dcdist.engine.fetch_ports import Ports
    from dcdist.engine.options import EngineOptions
    from dcdist.engine.preparation import Plan
    from dcdist.engine.reuse import KnownFrames
    from dcdist.model.identity import HostId, LayerName
    from dcdist.model.pieces import Bits
    from dcdist.model.release import Release
    from dcdist.policy.planner_commands import Command
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.swarm import SwarmEvent, SwarmLayer

_POLL = 0.5
"""Seconds between two looks at what peers hold."""

_WRITE_BEHIND = 1.0
"""Seconds between two looks at what may not be in the files yet."""

_OFFER = 256
"""Pieces offered to the assembly at once: a large layer has tens of thousands of frames to look at."""


@dataclass(slots=True)
class _Open:
    """One layer that takes part."""

    layer: CachedLayer
    swarm_layer: SwarmLayer
    source: Source
    peers: PeersSeen
    copied: Bits = 0


class Fetching:
    """Brings the layers of a plan, and feeds the assembly with them."""

    def __init__(
        self,
        *,
        host: HostId,
        release: Release,
        plan: Plan,
        sources: list[Source],
        options: EngineOptions,
        ports: Ports,
        assembly: Assembly,
        known: KnownFrames,
        tally: Tally,
        report: Callable[[FetchEvent], None],
        trace: Callable[[str], None] | None = None,
    ) -> None:
        """`trace` takes lines of what the planner is told and says."""
        self._tally = tally
        self._plan = plan
        self._sources = sources
        self._options = options
        self._ports = ports
        self._assembly = assembly
        self._known = known
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._group = asyncio.TaskGroup()
        self._wake = asyncio.Event()
        self._layers_here = asyncio.Event()
        self._draws: dict[int, tuple[str, asyncio.Task[None]]] = {}
        self._open: dict[int, _Open] = {}
        order = [entry.name for entry in release.layers]
        self._numbers: dict[LayerName, int] = {name: number for number, name in enumerate(order)}
        self._taking_part = {self._numbers[entry.name]: asyncio.Event() for entry in plan.entries}
        self._needs = pieces.of(self._numbers[entry.name] for entry in plan.entries)
        now = self._loop.time()
        getting_to_know = 0.0 if ports.rendezvous is None else ACQUAINTED_AFTER
        planner_options = PlannerOptions(
            host=host,
            version=release.name.version,
            layers=tuple(order),
            preference=PREFERENCES[options.prefer.value],
            may_draw=options.draw,
            in_order=options.alone,
            stream=options.order is Order.STREAM,
            acquainted_from=now + getting_to_know,
            begun=now,
        )
        self._planner = Planner(planner_options) if trace is None else RecordedPlanner(planner_options, trace)
        self._membership = self._make_membership(host, release.name.version)
        cap = options.fleet_store_rate
        self._fleet = None if cap is None else FleetShare(cap, acquainted_from=planner_options.acquainted_from)
        self._bounds = Bounds(options, ports.pace, ports.swarm, self._fleet)

    def _make_membership(self, host: HostId, version: str) -> Membership | None:
        if self._ports.rendezvous is None or self._options.advertise is None:
            return None
        address, port = self._options.advertise
        role = Role.DRAWER if self._options.draw else Role.PEER
        me = Member(host, 0, role, address, port, version, self._needs)
        audience = Audience(
            narrowed=lambda bits: self._tell(PrefixChanged(bits)),
            changed=lambda joined, left: self._tell(MembersChanged(joined, left)),
            linked=self._ports.swarm.connect,
            unlinked=self._forget,
            troubled=lambda message: self._report(Troubled(message, Trouble.RENDEZVOUS, str(self._ports.store))),
        )
        patience = PREFERENCES[self._options.prefer.value].first_look
        return Membership(self._ports.rendezvous, me, audience, patience=patience)

    async def run(self, stack: AsyncExitStack) -> None:
        """Go on until cancelled; `wait_for_layers` tells when all is here. `stack` closes what is opened.

        Raises:
            FetchFailedError: Nothing has come from anywhere for too long.
            DcdistError: Something broke that cannot be worked around.
        """
        for address, port in self._options.peers:
            self._ports.swarm.connect(address, port)
        self._share_bounds(0.0, 0.0)
        async with self._group as group:
            if self._membership is not None:
                # The others must be known before the first draw, but not before the cache is open.
                await self._membership.begin()
                group.create_task(self._membership.run())
            for position in range(len(self._plan.entries)):
                group.create_task(self._take_in(position, stack))
            group.create_task(self._watch_swarm())
            group.create_task(self._poll())
            group.create_task(self._write_behind())
            await self._pump()

    async def wait_for_layers(self) -> None:
        """Return when all layers are here, whole."""
        if self._plan.entries:
            await self._layers_here.wait()

    def become_seeder(self) -> None:
        """Tell the others that this host needs nothing any more."""
        if self._membership is not None:
            self._membership.become(replace(self._membership.me, role=Role.SEEDER, needs=0))

    # Layers

    async def _take_in(self, position: int, stack: AsyncExitStack) -> None:
        """Open a layer, offer it to the swarm, give the assembly what is there already."""
        index, source = self._plan.indexes[position], self._sources[position]
        number = self._numbers[index.layer]
        layer = await open_layer(self._ports.cache, index, stack, self._report)
        had = layer.have
        self._tally.had(index, had)
        swarm_layer = await self._ports.swarm.add(layer)
        source.layer, source.swarm_layer = layer, swarm_layer
        self._open[number] = _Open(layer, swarm_layer, source, PeersSeen(number, 0))
        self._tell(LayerOpened(number, index.geometry, had))
        missing = pieces.span(0, index.geometry.piece_count) & ~had
        copies = known_pieces(index, missing, self._known)
        if copies:
            self._tell(CopyBegan(number, copies))
        self._taking_part[number].set()
        self._note_needs()
        self._note_completion()
        await self._offer(source, had)
        if layer.complete:
            await self._settle(self._open[number])
        elif copies:
            self._open[number].copied = copies
            copied = await copy_pieces(index, copies, self._known, swarm_layer)
            self._tally.copied(index, copied)
            self._tell(CopyEnded(number, copies & ~copied))

    async def _offer(self, source: Source, had: Bits) -> None:
        """Give the assembly what was there from the start, letting others have the loop in between."""
        step = pieces.span(0, _OFFER)
        shift = 0
        while had:
            self._assembly.pieces_came(source, (had & step) << shift)
            had >>= _OFFER
            shift += _OFFER
            await asyncio.sleep(0)

    async def _settle(self, opened: _Open) -> None:
        """Give a whole layer up for reading: other processes of this host may use it while this one goes on giving."""
        await opened.swarm_layer.flush()
        await opened.layer.close(clean=True)

    def _note_needs(self) -> None:
        """Once all layers are open it is known which of them were here: tell the others that these are not needed."""
        needs = pieces.of(number for number, opened in self._open.items() if not opened.layer.complete)
        all_open = len(self._open) == len(self._plan.entries)
        if self._membership is not None and all_open and needs != self._membership.me.needs:
            self._membership.become(replace(self._membership.me, needs=needs))

    def _note_completion(self) -> None:
        if len(self._open) == len(self._plan.entries) and all(each.layer.complete for each in self._open.values()):
            self._layers_here.set()

    # Events

    def _tell(self, event: Event) -> None:
        if isinstance(event, BytesDrawn):
            self._tally.drawn(event.draw, event.total)
        elif self._fleet is not None and isinstance(event, MembersChanged | PrefixChanged):
            self._fleet.told(event)
        self._planner.receive(event, now=self._loop.time())
        self._wake.set()

    def _forget(self, address: str, port: int) -> None:
        if (address, port) not in self._options.peers:  # those are wanted whether they show themselves or not
            self._ports.swarm.forget(address, port)

    async def _watch_swarm(self) -> None:
        while True:
            for event in await self._ports.swarm.events():
                if not isinstance(event, swarm_port.SwarmBroke):
                    # It may be quicker than the task that brings the layer in.
                    await self._taking_part[self._numbers[event.layer]].wait()
                self._swarm_did(event)

    def _swarm_did(self, event: SwarmEvent) -> None:
        match event:
            case swarm_port.PiecesFinished():
                number = self._numbers[event.layer]
                opened = self._open[number]
                opened.layer.add(event.pieces)
                self._tally.finished(opened.layer.index, event.pieces)
                self._tell(PiecesFinished(number, event.pieces))
                self._assembly.pieces_came(opened.source, event.pieces)
                if opened.layer.complete:
                    self._group.create_task(self._settle(opened))
                    self._note_completion()
            case swarm_port.PieceFailed():
                self._piece_failed(event)
            case swarm_port.PeersLied():
                self._report(troubles.peers_lied(event))
            case swarm_port.PeerBanned():
                self._report(troubles.peer_banned(event))
            case swarm_port.SwarmBroke():
                raise event.error
            case _:
                assert_never(event)

    def _piece_failed(self, event: swarm_port.PieceFailed) -> None:
        number = self._numbers[event.layer]
        opened, bit = self._open[number], 1 << event.piece
        opened.swarm_layer.release(bit)
        copied = event.injected and bool(opened.copied & bit)
        opened.copied &= ~bit
        self._tell(PieceFoundCorrupt(number, event.piece, event.injected and not copied))
        if copied:
            self._report(troubles.copy_is_wrong(event, self._known.files(opened.layer.index, event.piece)))
        elif event.injected:
            self._report(troubles.drawn_piece_is_wrong(event, opened.layer.index, self._ports.store))
        else:
            self._report(troubles.traded_piece_is_wrong(event))

    async def _poll(self) -> None:
        """Look at what peers hold and have given; share the bound on what this host takes."""
        told: Progress | None = None
        while True:
            statistics = self._ports.swarm.statistics()
            self._tally.swarm = statistics
            for number, opened in list(self._open.items()):
                if not opened.layer.complete:
                    swarm_layer = opened.swarm_layer
                    # Matters only where pieces are drawn that peers hold, and costs too much to be asked always.
                    coming = swarm_layer.coming() if opened.peers.coming else 0
                    peers = PeersSeen(number, swarm_layer.available(), coming, swarm_layer.single())
                    if peers != opened.peers:
                        opened.peers = peers
                        self._tell(peers)
            self._tell(PeersGave(statistics.useful))
            now = self._loop.time()
            going = self._planner.statistics(now=now)
            if going.all_seen:
                self._tell(PeersLack(self._ports.swarm.lacking()))
            self._tally.rates(store=going.from_store, peers=going.from_peers)
            self._share_bounds(going.from_store, going.from_peers)
            progress = self._tally.progress()
            if progress != told or not self._layers_here.is_set():
                # A seeder has news now and then only; one that waits says so.
                self._report(progress)
                told = progress
            await asyncio.sleep(_POLL)

    async def _write_behind(self) -> None:
        """Have finished pieces written every second: what a kill finds unwritten has to be fetched again."""
        written: dict[int, Bits] = {}
        while True:
            await asyncio.sleep(_WRITE_BEHIND)
            for number, opened in list(self._open.items()):
                have = opened.layer.have
                if not opened.layer.complete and have != written.get(number, 0):
                    await opened.swarm_layer.flush()
                    written[number] = have

    def _share_bounds(self, from_store: float, from_peers: float) -> None:
        noticed_from = float("inf") if self._membership is None else self._membership.noticed_from
        self._bounds.share(store=from_store, peers=from_peers, noticed_from=noticed_from, now=self._loop.time())

    # Commands

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            for command in self._planner.commands(now=self._loop.time()):
                self._execute(command)
            wait = self._planner.deadline() - self._loop.time()
            try:
                # Never shorter than a moment: a deadline that has passed must not become a busy loop.
                async with asyncio.timeout(None if wait == float("inf") else max(0.01, wait)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _draw(self, command: Draw, opened: _Open) -> None:
        found = await needless(opened.swarm_layer, command, opened.peers)
        if found is not None:
            opened.peers = found
            self._tell(found)
            self._tell(DrawNeedless(command.number))
            return
        await draw(
            self._ports.store,
            opened.layer.index,
            opened.swarm_layer,
            command,
            tell=self._tell,
            failed=lambda error: self._report(troubles.store_failed(error)),
        )

    def _execute(self, command: Command) -> None:
        match command:
            case Draw():
                opened = self._open[command.layer]
                task = self._group.create_task(self._draw(command, opened))
                self._draws[command.number] = (object_of(opened.layer.index, command), task)
                task.add_done_callback(lambda _: self._draws.pop(command.number, None))
            case Drop():
                to_drop = self._draws.get(command.number)
                if to_drop is not None:
                    key, running = to_drop
                    running.cancel()
                    self._report(troubles.request_left(self._ports.store, key))
            case AskFirst():
                self._open[command.layer].swarm_layer.prefer(command.pieces, others=command.others)
            case GiveUp():
                raise FetchFailedError(
                    f"the fetch gave up with {self._tally.left()} still missing: {command.reason}. What was fetched is "
                    "kept: run the same command again to go on"
                )
            case _:
                assert_never(command)
