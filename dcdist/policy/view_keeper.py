"""What does each event change in what this host knows? It decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from dcdist.model.member import Role
from dcdist.policy.fleet.owners import own_work
from dcdist.policy.planner_events import (
    BytesDrawn,
    CopyBegan,
    CopyEnded,
    DrawFailed,
    DrawFinished,
    DrawNeedless,
    Event,
    Failure,
    HostsLinked,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersLack,
    PeersSeen,
    PieceFoundCorrupt,
    PiecesFinished,
    PrefixChanged,
)
from dcdist.policy.rules import Rule
from dcdist.policy.state.layer_state import LayerState

if TYPE_CHECKING:
    from dcdist.policy.planner_options import PlannerOptions
    from dcdist.policy.reasons.view import View

_BARRED = 8.0
"""Seconds for which a range is left alone that the store will not give."""


class ViewKeeper:
    """Keeps one view up to date."""

    def __init__(self, view: View, options: PlannerOptions) -> None:
        self._view = view
        self._options = options

    def receive(self, event: Event, *, now: float) -> None:
        """Take in one event; `now` (seconds, never falling) is when it happened."""
        match event:
            case LayerOpened():
                self._layer_opened(event, now=now)
            case MembersChanged():
                self._members_changed(event, now=now)
            case PrefixChanged():
                self._view.members.narrowed(event.bits)
            case PiecesFinished():
                self._pieces_finished(event, now=now)
            case PieceFoundCorrupt():
                self._piece_found_corrupt(event, now=now)
            case PeersSeen():
                self._peers_seen(event, now=now)
            case HostsLinked():
                self._view.linked = event.count
            case PeersGave():
                self._peers_gave(event, now=now)
            case PeersLack():
                self._view.behind_first.told(event.lacking)
            case CopyBegan():
                self._view.layers[event.layer].in_flight |= event.pieces
            case CopyEnded():
                self._view.layers[event.layer].in_flight &= ~event.pieces
                self._view.layers[event.layer].reassign()
            case BytesDrawn():
                self._bytes_drawn(event.draw, event.total, now=now)
            case DrawFinished():
                self._draw_finished(event.draw, now=now)
            case DrawNeedless():
                self._draw_needless(event.draw, now=now)
            case DrawFailed():
                self._draw_failed(event, now=now)
            case _:
                assert_never(event)

    # Layers

    def _layer_opened(self, event: LayerOpened, *, now: float) -> None:
        options, layers = self._options, self._view.layers
        name = options.layers[event.layer]
        layers[event.layer] = LayerState(name, event.geometry, options.host, event.have, in_order=options.in_order)
        # They open in any order.
        in_order = sorted(layers.items())
        layers.clear()
        layers.update(in_order)
        self._view.members.opened(event.layer)
        # Checking the cache, or waiting for another process, may have taken long.
        self._view.store.patience.progressed(now=now)

    def _pieces_finished(self, event: PiecesFinished, *, now: float) -> None:
        state = self._view.layers[event.layer]
        from_peers = event.pieces & ~state.in_flight
        if from_peers:
            self._view.peers.came(now=now)
            store_seconds = self._view.stripe_time(event.layer) * state.stripes_of(from_peers & ~state.have)
            self._view.unpaid.paid(store_seconds, now=now)
        state.have |= event.pieces
        state.in_flight &= ~event.pieces
        self._view.store.patience.progressed(now=now)

    def _piece_found_corrupt(self, event: PieceFoundCorrupt, *, now: float) -> None:
        store, state, bit = self._view.store, self._view.layers[event.layer], 1 << event.piece
        # What was copied on this host is in flight until it fails.
        self._view.betrayed |= not event.from_store and not state.in_flight & bit
        state.have &= ~bit
        if event.from_store or not self._view.draws.bring(event.layer, bit):
            # Else peers had been asked for it before it was reserved, and it still comes from the store.
            state.in_flight &= ~bit
        state.reassign()
        if event.from_store:
            pause = store.corrupt.from_store(event.layer, event.piece)
            self._view.barred.bar(event.layer, bit, until=now + pause)
            if pause == float("inf"):
                layer = self._options.layers[event.layer]
                store.patience.despair(f"the store's bytes of piece {event.piece} of layer {layer} are wrong")
        elif store.corrupt.from_peers(event.layer, event.piece):
            state.corrupt_from_peers |= bit

    # Peers

    def _members_changed(self, event: MembersChanged, *, now: float) -> None:
        view = self._view
        view.members.changed(event)
        view.acquaintance.looked((member.host for member in event.joined), now=now)
        for host in event.left:
            view.owners.forget(host)
        for member in event.joined:
            if member.role is Role.DRAWER:
                # Hosts that start together begin to draw together: what cannot have begun is not late.
                view.owners.watch(member.host, now=max(now, self._options.acquainted_from))

    def _peers_seen(self, event: PeersSeen, *, now: float) -> None:
        view, state = self._view, self._view.layers[event.layer]
        if state.offer(event.pieces) and not any(each.missing & each.seen for each in view.layers.values()):
            # Peers had nothing to bring until now: their silence begins. Those that come and go offer nothing new.
            view.peers.came(now=now)
        lost = state.seen & ~event.pieces & ~state.have
        state.seen, state.coming = event.pieces, event.coming
        if lost:
            state.reassign()
        shown = state.newly_shown()
        covered = [stripe for stripe in shown if state.ownership.covers(stripe)]
        view.fleet_window.shown(len(covered), now=now)
        if any(not state.ownership.covers(stripe) and not state.is_drawn(stripe) for stripe in shown):
            view.others.came(now=now)
        for owner in own_work(state, shown):
            view.owners.appeared(owner, now=now)

    def _peers_gave(self, event: PeersGave, *, now: float) -> None:
        view = self._view
        gained = event.total - view.peer_rate.total
        if gained > 0:
            view.peers.came(now=now)
            view.store.patience.progressed(now=now)
        view.peer_rate.count(event.total, now=now)
        view.link.observed(event.total + view.draws.total, peers=view.peer_rate.rate(now=now), now=now)

    # Draws

    def _bytes_drawn(self, draw: int, total: int, *, now: float) -> None:
        running = self._view.draws.get(draw)
        if running is not None and self._view.draws.brought(draw, total, now=now):
            self._view.store.patience.progressed(now=now)
            self._view.store.rate.count(self._view.draws.total, now=now)

    def _draw_finished(self, draw: int, *, now: float) -> None:
        store, running = self._view.store, self._view.draws.get(draw)
        if running is None:
            return
        self._bytes_drawn(draw, running.length, now=now)
        active = self._view.draws.active
        running.ended = now
        store.finished(running.length, now - running.begun, now=now)
        if self._view.follows(Rule.MORE_REQUESTS):
            store.concurrency.observed(store.rate.rate(now=now), active, now=now)

    def _draw_needless(self, draw: int, *, now: float) -> None:
        running = self._view.draws.land(draw)
        if running is not None:
            self._view.layers[running.layer].requested &= ~running.pieces
            self._view.unpaid.owed(now - running.begun, now=now)
            self._view.unpaid.goes_on(passes=self._view.asks_nothing, now=now)

    def _draw_failed(self, event: DrawFailed, *, now: float) -> None:
        store, running = self._view.store, self._view.draws.land(event.draw)
        if running is None:
            return
        if running.total >= self._view.layers[running.layer].geometry.piece_length:
            # It broke off, but brought whole pieces: the store is not down.
            store.patience.succeeded()
        store.patience.failed(event.failure, event.reason, retry_after=event.retry_after, now=now, begun=running.begun)
        match event.failure:
            case Failure.THROTTLED:
                store.concurrency.throttled(now=now, begun=running.begun)
            case Failure.LASTING:
                self._view.barred.bar(running.layer, running.pieces, until=now + _BARRED)
            case Failure.PASSING:
                pass
            case _:
                assert_never(event.failure)
