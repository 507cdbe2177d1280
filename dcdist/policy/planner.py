"""The planner: which stripes to draw from the store, and when to stop. Events in, commands out.

Own stripes first, then help, then whatever nobody delivers. It never awaits, reads no clock and draws no lots: the
same events at the same times give the same commands, in a host as in a simulation.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from dcdist.model import pieces
from dcdist.model.member import Role
from dcdist.policy.chooser import LOOK_AGAIN, Chooser, Run, Situation
from dcdist.policy.fleet.acquaintance import Acquaintance
from dcdist.policy.fleet.fleet_window import FleetWindow
from dcdist.policy.lateness import Lateness
from dcdist.policy.link.link import Link
from dcdist.policy.link.throughput import Throughput
from dcdist.policy.planner_commands import Command, Draw, Drop, GiveUp
from dcdist.policy.planner_events import (
    BytesDrawn,
    CopyBegan,
    CopyEnded,
    DrawFailed,
    DrawFinished,
    DrawNeedless,
    Event,
    Failure,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersLack,
    PeersSeen,
    PieceFoundCorrupt,
    PiecesFinished,
    PrefixChanged,
)
from dcdist.policy.reasons import late_owner
from dcdist.policy.reasons.stream import StreamWindow
from dcdist.policy.requests.behind_first import BehindFirst
from dcdist.policy.requests.concurrency import Concurrency
from dcdist.policy.requests.corrupt_pieces import CorruptPieces
from dcdist.policy.requests.crawl import Crawl
from dcdist.policy.requests.patience import Patience
from dcdist.policy.requests.request_share import MOST_REQUESTS, most_requests
from dcdist.policy.requests.request_size import RequestSize
from dcdist.policy.state.draws import Draws
from dcdist.policy.state.layer_state import LayerState
from dcdist.policy.state.members import Members

if TYPE_CHECKING:
    from dcdist.policy.planner_options import PlannerOptions

_STALL = 6.0
"""Seconds without a byte after which a draw is dropped."""

_SETTLING = 15.0
"""Seconds that drawn pieces may take to be checked; after that they are missing again."""

_BARRED = 8.0
"""Seconds for which a range is left alone that the store will not give."""


@dataclass(frozen=True, slots=True)
class PlannerStatistics:
    """Draws running, requests allowed at once, bytes a second from peers and from the store.

    `all_seen`: the swarm holds everything, and what others lack matters.
    """

    running: int
    limit: int
    from_peers: float
    from_store: float
    all_seen: bool


@dataclass(slots=True)
class Planner:
    """All decisions of one fetch."""

    options: PlannerOptions
    _chooser: Chooser = field(init=False)
    _plans: dict[int, LayerState] = field(init=False)
    _draws: Draws = field(init=False)
    _members: Members = field(init=False)
    _acquaintance: Acquaintance = field(init=False)
    _corrupt: CorruptPieces = field(init=False)
    _concurrency: Concurrency = field(init=False)
    _patience: Patience = field(init=False)
    _size: RequestSize = field(default_factory=RequestSize)
    _crawl: Crawl = field(default_factory=Crawl)
    _link: Link = field(init=False)
    _behind_first: BehindFirst = field(init=False)
    _stream: StreamWindow = field(default_factory=StreamWindow)
    _store_rate: Throughput = field(default_factory=Throughput)
    _peer_rate: Throughput = field(default_factory=Throughput)
    _peers: Lateness = field(init=False)
    _look_again: float = 0.0
    _request_share: int = 0
    _request_share_at: float = float("-inf")
    _done: bool = False

    def __post_init__(self) -> None:
        self._link = Link(slack_after=self.options.preference.slack_after)
        self._chooser = Chooser(
            self.options.host, self.options.preference, FleetWindow(self.options.acquainted_from), self._link
        )
        self._plans = self._chooser.plans
        self._draws = Draws(self._plans)
        self._members = Members(self.options.version, self._plans)
        self._acquaintance = Acquaintance(self.options.acquainted_from)
        self._patience = Patience(passing=self.options.passing_patience, lasting=self.options.lasting_patience)
        self._corrupt = CorruptPieces(self.options.lasting_patience)
        self._behind_first = BehindFirst(self.options.preference)
        self._concurrency = Concurrency(most=self.options.preference.most_requests)
        self._peers = Lateness(self.options.begun)

    # What happened

    def receive(self, event: Event, *, now: float) -> None:
        """Take in one event; `now` (seconds, never falling) is when it happened."""
        match event:
            case LayerOpened():
                name = self.options.layers[event.layer]
                self._plans[event.layer] = LayerState(
                    name, event.geometry, self.options.host, event.have, in_order=self.options.in_order
                )
                # They open in any order.
                in_order = sorted(self._plans.items())
                self._plans.clear()
                self._plans.update(in_order)
                self._members.opened(event.layer)
                # Checking the cache, or waiting for another process, may have taken long.
                self._patience.progressed(now=now)
            case MembersChanged():
                self._members_changed(event, now=now)
            case PrefixChanged():
                self._members.narrowed(event.bits)
            case PiecesFinished():
                plan = self._plans[event.layer]
                plan.have |= event.pieces
                plan.in_flight &= ~event.pieces
                self._patience.progressed(now=now)
            case PieceFoundCorrupt():
                self._piece_found_corrupt(event, now=now)
            case PeersSeen():
                self._peers_seen(event, now=now)
            case PeersGave():
                if event.total > self._peer_rate.total:
                    self._peers.came(now=now)
                    self._patience.progressed(now=now)
                self._peer_rate.count(event.total, now=now)
                self._link.observed(event.total + self._draws.total, peers=self._peer_rate.rate(now=now), now=now)
            case PeersLack():
                self._behind_first.told(event.lacking)
            case CopyBegan():
                self._plans[event.layer].in_flight |= event.pieces
            case CopyEnded():
                self._plans[event.layer].in_flight &= ~event.pieces
                self._plans[event.layer].reassign()
            case BytesDrawn():
                self._bytes_drawn(event.draw, event.total, now=now)
            case DrawFinished():
                self._draw_finished(event.draw, now=now)
            case DrawNeedless():
                self._draw_needless(event.draw)
            case DrawFailed():
                self._draw_failed(event, now=now)
            case _:
                assert_never(event)

    def _members_changed(self, event: MembersChanged, *, now: float) -> None:
        self._members.changed(event)
        self._acquaintance.looked((member.host for member in event.joined), now=now)
        for host in event.left:
            self._chooser.helping.forget(host)
        for member in event.joined:
            if member.role is Role.DRAWER:
                # Hosts that start together begin to draw together: what cannot have begun is not late.
                self._chooser.helping.watch(member.host, now=max(now, self.options.acquainted_from))

    def _piece_found_corrupt(self, event: PieceFoundCorrupt, *, now: float) -> None:
        plan = self._plans[event.layer]
        bit = 1 << event.piece
        plan.have &= ~bit
        if event.from_store or not self._draws.bring(event.layer, bit):
            # Else peers had been asked for it before it was reserved, and it still comes from the store.
            plan.in_flight &= ~bit
        plan.reassign()
        if event.from_store:
            pause = self._corrupt.from_store(event.layer, event.piece)
            self._chooser.bar(event.layer, bit, until=now + pause)
            if pause == float("inf"):
                layer = self.options.layers[event.layer]
                self._patience.despair(f"the store's bytes of piece {event.piece} of layer {layer} are wrong")
        elif self._corrupt.from_peers(event.layer, event.piece):
            plan.corrupt_from_peers |= bit

    def _peers_seen(self, event: PeersSeen, *, now: float) -> None:
        plan = self._plans[event.layer]
        if plan.offer(event.pieces) and not any(each.missing & each.seen for each in self._plans.values()):
            # Peers had nothing to bring until now: their silence begins. Those that come and go offer nothing new.
            self._peers.came(now=now)
        lost = plan.seen & ~event.pieces & ~plan.have
        plan.seen, plan.coming = event.pieces, event.coming
        self._chooser.single_holder.seen(event.layer, event.single, now=now)
        if lost:
            plan.reassign()
        shown = plan.newly_shown()
        self._chooser.appeared(plan, shown, now=now)
        for owner in late_owner.own_work(plan, shown):
            self._chooser.helping.appeared(owner, now=now)

    def _bytes_drawn(self, draw: int, total: int, *, now: float) -> None:
        if self._draws.brought(draw, total, now=now):
            self._patience.progressed(now=now)
            self._store_rate.count(self._draws.total, now=now)

    def _draw_finished(self, draw: int, *, now: float) -> None:
        running = self._draws.get(draw)
        if running is None:
            return
        self._bytes_drawn(draw, running.length, now=now)
        active = self._draws.active
        running.ended = now
        self._size.finished(running.length, now - running.begun)
        self._crawl.finished(running.length, now - running.begun, now=now)
        self._patience.succeeded()
        self._concurrency.observed(self._store_rate.rate(now=now), active, now=now)

    def _draw_needless(self, draw: int) -> None:
        running = self._draws.land(draw)
        if running is not None:
            self._plans[running.layer].requested &= ~running.pieces

    def _draw_failed(self, event: DrawFailed, *, now: float) -> None:
        running = self._draws.land(event.draw)
        if running is None:
            return
        if running.total >= self._plans[running.layer].geometry.piece_length:
            # It broke off, but brought whole pieces: the store is not down.
            self._patience.succeeded()
        self._patience.failed(event.failure, event.reason, retry_after=event.retry_after, now=now, begun=running.begun)
        match event.failure:
            case Failure.THROTTLED:
                self._concurrency.throttled(now=now, begun=running.begun)
            case Failure.LASTING:
                self._chooser.bar(running.layer, running.pieces, until=now + _BARRED)
            case Failure.PASSING:
                pass
            case _:
                assert_never(event.failure)

    # What to do

    def commands(self, *, now: float) -> list[Command]:
        """What to do now; call it after events and when `deadline()` has come."""
        commands: list[Command] = []
        self._look_again = float("inf")
        self._done = all(plan.complete for plan in self._plans.values())
        if self._done:
            return commands
        if now >= self._patience.gives_up_at(since=self.options.begun):
            return [GiveUp(self._patience.reason or "neither the store nor any peer gave anything")]
        self._settle(commands, now=now)
        if self.options.stream:
            peers = self._peer_rate.rate(now=now)
            rate = peers + self._store_rate.rate(now=now)
            commands += self._stream.moved(self._plans, rate=rate, peer_rate=peers)
        if self.options.may_draw:
            self._draw(commands, now=now)
        return commands

    def deadline(self) -> float:
        """When `commands` has something new to say even if nothing happens; may be infinite."""
        if self._done:
            return float("inf")
        return min(self._look_again, self._patience.gives_up_at(since=self.options.begun))

    def statistics(self, *, now: float) -> PlannerStatistics:
        """How it goes."""
        return PlannerStatistics(
            self._draws.active,
            self._concurrency.limit,
            self._peer_rate.rate(now=now),
            self._store_rate.rate(now=now),
            self._chooser.all_seen(),
        )

    def knows_others(self, *, now: float) -> bool:
        """Whether the hosts that began when this one did are known to it."""
        return self._acquaintance.knows_others(now=now)

    def _settle(self, commands: list[Command], *, now: float) -> None:
        """End draws that stalled, forget those whose pieces are all checked."""
        for draw, running in self._draws:
            if running.ended is None:
                if now - running.heard >= _STALL:
                    commands.append(self._drop(draw))
                    self._patience.failed(
                        Failure.PASSING, f"no byte from the store for {_STALL:g} s", retry_after=None, now=now
                    )
                elif self._crawl.crawls(running.length, running.total, now - running.begun, now=now):
                    commands.append(self._drop(draw))
                else:
                    self._look_again = min(self._look_again, running.heard + _STALL)
            elif not running.pieces & self._plans[running.layer].in_flight:
                self._draws.forget(draw)
            elif now - running.ended >= _SETTLING:
                self._draws.land(draw)
            else:
                self._look_again = min(self._look_again, running.ended + _SETTLING)

    def _drop(self, draw: int) -> Drop:
        self._draws.land(draw)
        return Drop(draw)

    def _draw(self, commands: list[Command], *, now: float) -> None:
        if now < (paused_until := self._patience.paused_until()):
            self._look_again = min(self._look_again, paused_until)
            return
        if now < (draws_from := self._acquaintance.draws_from):
            self._look_again = min(self._look_again, draws_from)
            return
        if now < self.options.acquainted_from:
            self._look_again = min(self._look_again, self.options.acquainted_from)
        oldest = self._draws.oldest(now=now)
        limit = self._limit(now=now) + self._crawl.extra(oldest, now=now)
        while self._draws.active < limit:
            chosen = self._chooser.choose(self._situation(now=now), now=now)
            if chosen is None:
                self._look_again = min(self._look_again, now + LOOK_AGAIN)
                return
            commands.append(self._begin(chosen, now=now))

    def _limit(self, *, now: float) -> int:
        """Requests at once: as many as bring more, beside those of others, and by what each lacks."""
        share = min(self._concurrency.limit, self._most_requests(now=now))
        if not self._chooser.all_seen():
            return share
        lacking, stripe = self._chooser.lacking()
        most = MOST_REQUESTS if not self._concurrency.restrained(now=now) else share
        return self._behind_first.requests(share, most=most, lacking=lacking, stripe=stripe)

    def _most_requests(self, *, now: float) -> int:
        """Requests at once beside those of others; looked at now and then, since it goes through all stripes."""
        if now >= self._request_share_at:
            self._request_share = most_requests(self._chooser.drawing())
            self._request_share_at = now + LOOK_AGAIN
        return self._request_share

    def _begin(self, run: Run, *, now: float) -> Draw:
        geometry, first, stop = self._plans[run.layer].geometry, run.pieces.start, run.pieces.stop
        length = min(stop * geometry.piece_length, geometry.length) - first * geometry.piece_length
        number = self._draws.begin(run.layer, pieces.span(first, stop), length, now=now)
        return Draw(number, run.layer, first, stop, run.reason)

    def _is_idle(self, *, now: float) -> bool:
        preference = self.options.preference
        idle = self._link.below(preference.idle_share, now=now) >= preference.idle_after
        return idle and not self._draws.active

    def _situation(self, *, now: float) -> Situation:
        return Situation(
            longest=self._size.limit,
            stripe_times={
                layer: self._size.seconds_for(plan.geometry.stripe_length) for layer, plan in self._plans.items()
            },
            limit=self._concurrency.limit,
            peers=self._peers,
            peer_rate=self._peer_rate.rate(now=now),
            room=self._link.has_slack,
            idle=self._is_idle(now=now),
            tried=self._size.known,
            trying=bool(self._draws.active),
            acquainted=self.knows_others(now=now),
            known=len(self._members),
            begins=self._acquaintance.met and not self._size.known and not self._peer_rate.total,
        )
