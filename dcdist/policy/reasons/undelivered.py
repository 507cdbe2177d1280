"""What do peers hold and not bring? They are silent, leave the link slack, or are slow.

The first of these that holds says which pieces are drawn: of silent peers all that they hold, else not what they are
being asked for, which would come twice. What they gave corrupt is drawn in any case.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits
    from dcdist.policy.reasons.view import View
    from dcdist.policy.state.layer_state import LayerState

_SILENCE = 3.0
"""Seconds without a right byte from peers after which what they hold is drawn from the store."""

_BEGIN = 2.0
"""Seconds for which peers hold everything before their pace tells anything: they have just been asked."""

_PATIENCE, _PATIENCE_STRIPES = 3.0, 2
"""Seconds, and times in which this host draws a stripe, that peers may need for what is missing."""


class Undelivered:
    """Second copies of what peers hold, as long as the swarm holds everything or gives nothing."""

    rules: frozenset[Rule] = frozenset({Rule.CORRUPT, Rule.SILENT_PEERS, Rule.SLACK, Rule.PROBE})

    def __init__(self) -> None:
        self._all_seen_from: float | None = None
        self._probe_at = -math.inf
        self._probe_pause: float | None = None

    def find(self, view: View, *, now: float) -> Run | None:
        """The longest run of pieces, the first after this host's start; None if peers do as they should."""
        reason = self._reason(view, now=now)
        silent = view.peers.overdue(_SILENCE, now=now) >= 0
        for layer, state in view.layers.items():
            undelivered = state.seen if reason else 0
            if not silent:
                undelivered &= ~state.coming
            corrupt = state.corrupt_from_peers if view.follows(Rule.CORRUPT) else 0
            wanted = view.drawable(layer, state.missing & (corrupt | undelivered))
            if wanted:
                return Run(layer, _longest(view, state, wanted), reason or Reason.CORRUPT)
        return None

    def _reason(self, view: View, *, now: float) -> Reason | None:
        """Why what peers hold is drawn; None: it is not."""
        if view.peers.overdue(_bearable_silence(view), now=now) >= 0:
            return Reason.SILENT_PEERS if view.follows(Rule.SILENT_PEERS) else None
        if not view.all_seen:
            # The store has better things to do.
            self._all_seen_from = None
            return None
        if self._all_seen_from is None:
            self._all_seen_from = now
        if now - self._all_seen_from < _BEGIN:
            return None
        if view.link.has_slack and view.follows(Rule.SLACK):
            return self._slack(view, now=now)
        return self._slow(view, now=now) if view.follows(Rule.PROBE) else None

    def _slack(self, view: View, *, now: float) -> Reason | None:
        """Nothing is pushed out: worth it as long as the stripe comes before peers would have brought it."""
        self._probe_pause = None
        stripe_time = view.longest_stripe_time
        return Reason.SLACK if view.missing > view.peer_rate.rate(now=now) * stripe_time else None

    def _slow(self, view: View, *, now: float) -> Reason | None:
        """One request, to try whether the store brings more; if so there is slack from then on."""
        patience = _PATIENCE + _PATIENCE_STRIPES * view.longest_stripe_time
        bearable = view.peer_rate.rate(now=now) * patience * view.preference.slow_peers
        pause = self._probe_pause or view.preference.probe_pause
        if math.isinf(pause):
            # A rate of nothing may be that of peers that have just begun: that is for silence to tell. A host that
            # knows what the store gave goes by the slack alone: much that is missing takes long on a full link too.
            untried = not view.store.size.known and not view.draws.active
            return Reason.PROBE if untried and view.missing > bearable > 0 else None
        if view.missing <= bearable or now < self._probe_at:
            return None
        # Each time after twice as long, or a large release would be drawn by trying.
        self._probe_at, self._probe_pause = now + pause, 2 * pause
        return Reason.PROBE


def _bearable_silence(view: View) -> float:
    """Seconds of silence after which what peers hold and are not being asked for is drawn."""
    nothing_came = not view.store.size.known and not view.peer_rate.total and view.lacking == view.to_bring
    if nothing_came and view.all_seen:
        # Who offers everything and has given nothing may be a liar, and nothing else tells this host to begin.
        return view.preference.unproven_silence
    return view.preference.unasked_silence


def _longest(view: View, state: LayerState, wanted: Bits) -> range:
    """The longest run of a stripe: long requests cost the store less. Hosts begin at different stripes."""
    start, count = state.ownership.start_of(view.host), state.geometry.stripe_count
    runs = ((stripe, state.of_stripe(stripe, wanted)) for stripe in state.stripes_with(wanted))
    return min(runs, key=lambda each: (-len(each[1]), (each[0] - start) % count))[1]
