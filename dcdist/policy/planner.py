"""The planner: which stripes to draw from the store, and when to stop. Events in, commands out.

It never awaits, reads no clock and draws no lots: the same events at the same times give the same commands, in a host
as in a simulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.policy.chooser import Chooser
from dcdist.policy.planner_commands import Command, Draw, Drop, GiveUp
from dcdist.policy.planner_events import Event, Failure
from dcdist.policy.reasons.standstill import stands_still
from dcdist.policy.reasons.stream import StreamWindow
from dcdist.policy.reasons.view import LOOK_AGAIN, Run, View
from dcdist.policy.requests.crawl import LONG
from dcdist.policy.requests.request_share import MOST_REQUESTS, most_requests
from dcdist.policy.rules import Rule
from dcdist.policy.view_keeper import ViewKeeper

if TYPE_CHECKING:
    from dcdist.policy.planner_options import PlannerOptions
    from dcdist.policy.state.draws import Running

_SETTLING = 15.0
"""Seconds that drawn pieces may take to be checked; after that they are missing again."""


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


class Planner:
    """All decisions of one fetch."""

    def __init__(self, options: PlannerOptions, without: frozenset[Rule] = frozenset()) -> None:
        """`without`: rules that are off, to see what they earn."""
        self.options = options
        self._view = View(options, without)
        self._keeper = ViewKeeper(self._view, options)
        self._chooser = Chooser(self._view)
        self._stream = StreamWindow()
        self._look_again = 0.0
        self._request_share = 0
        self._request_share_at = float("-inf")
        self._done = False

    def receive(self, event: Event, *, now: float) -> None:
        """Take in one event; `now` (seconds, never falling) is when it happened."""
        self._keeper.receive(event, now=now)

    def commands(self, *, now: float) -> list[Command]:
        """What to do now; call it after events and when `deadline()` has come."""
        view = self._view
        commands: list[Command] = []
        self._look_again = float("inf")
        self._done = all(state.complete for state in view.layers.values())
        if self._done:
            return commands
        if now >= view.store.patience.gives_up_at(since=self.options.begun):
            return [GiveUp(view.store.patience.reason or "neither the store nor any peer gave anything")]
        self._settle(commands, now=now)
        if self.options.stream and view.follows(Rule.STREAM_WINDOW):
            peers = view.peer_rate.rate(now=now)
            rate = peers + view.store.rate.rate(now=now)
            commands += self._stream.moved(view.layers, rate=rate, peer_rate=peers)
        if self.options.may_draw:
            self._draw(commands, now=now)
        return commands

    def deadline(self) -> float:
        """When `commands` has something new to say even if nothing happens; may be infinite."""
        if self._done:
            return float("inf")
        return min(self._look_again, self._view.store.patience.gives_up_at(since=self.options.begun))

    def statistics(self, *, now: float) -> PlannerStatistics:
        """How it goes."""
        view = self._view
        return PlannerStatistics(
            view.draws.active,
            view.store.concurrency.limit,
            view.peer_rate.rate(now=now),
            view.store.rate.rate(now=now),
            view.all_seen,
        )

    def follows(self, rule: Rule) -> bool:
        """Whether a rule is on."""
        return self._view.follows(rule)

    def _look_at(self, time: float) -> None:
        self._look_again = min(self._look_again, time)

    def _settle(self, commands: list[Command], *, now: float) -> None:
        """End draws that stalled, forget those whose pieces are all checked."""
        view, store = self._view, self._view.store
        for draw, running in view.draws:
            if running.ended is None:
                if now - running.heard >= LONG:
                    commands.append(self._drop(draw))
                    reason = f"no byte from the store for {LONG:g} s"
                    store.patience.failed(Failure.PASSING, reason, retry_after=None, now=now, begun=running.begun)
                elif self._crawls(running, now=now):
                    commands.append(self._drop(draw))
                else:
                    self._look_at(running.heard + LONG)
            elif not running.pieces & view.layers[running.layer].in_flight:
                view.draws.forget(draw)
            elif now - running.ended >= _SETTLING:
                view.draws.land(draw)
            else:
                self._look_at(running.ended + _SETTLING)

    def _crawls(self, running: Running, *, now: float) -> bool:
        crawl, seconds = self._view.store.crawl, now - running.begun
        return self.follows(Rule.CRAWL) and crawl.crawls(running.length, running.total, seconds, now=now)

    def _drop(self, draw: int) -> Drop:
        self._view.draws.land(draw)
        return Drop(draw)

    def _draw(self, commands: list[Command], *, now: float) -> None:
        view = self._view
        begins = view.store.patience.paused_until()
        if view.follows(Rule.MEETING):
            begins = max(begins, view.acquaintance.known_from)
        if now < begins:
            view.unpaid.goes_on(passes=False, now=now)
            self._look_at(begins)
            return
        self._choose(commands, now=now)
        view.unpaid.goes_on(passes=view.asks_nothing, now=now)

    def _choose(self, commands: list[Command], *, now: float) -> None:
        view = self._view
        oldest = view.draws.oldest(now=now)
        limit = self._limit(now=now)
        if view.follows(Rule.CRAWL):
            limit += view.store.crawl.extra(oldest, now=now)
        if stands_still(view, now=now):
            # Whatever has just begun and may prove needless.
            limit = max(limit, view.draws.active + 1)
        while view.draws.active < limit:
            chosen = self._chooser.choose(view, now=now)
            if chosen is None:
                self._look_at(now + LOOK_AGAIN)
                return
            commands.append(self._begin(chosen, now=now))

    def _limit(self, *, now: float) -> int:
        """Requests at once: as many as bring more, beside those of others, and by what each lacks."""
        view, concurrency = self._view, self._view.store.concurrency
        if now >= self._request_share_at:
            # Looked at now and then, since it goes through all stripes.
            self._request_share, self._request_share_at = most_requests(view.drawing()), now + LOOK_AGAIN
        share = concurrency.limit
        if view.follows(Rule.REQUEST_SHARE):
            share = min(share, self._request_share)
        if not view.all_seen or not view.follows(Rule.BEHIND_FIRST):
            return share
        most = MOST_REQUESTS if not concurrency.restrained(now=now) else share
        return view.behind_first.requests(share, most=most, lacking=view.lacking, stripe=view.longest_stripe)

    def _begin(self, run: Run, *, now: float) -> Draw:
        geometry, first, stop = self._view.layers[run.layer].geometry, run.pieces.start, run.pieces.stop
        length = min(stop * geometry.piece_length, geometry.length) - first * geometry.piece_length
        number = self._view.draws.begin(run.layer, pieces.span(first, stop), length, run.reason, now=now)
        return Draw(number, run.layer, first, stop, run.reason)
