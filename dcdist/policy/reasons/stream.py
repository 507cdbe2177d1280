"""What does the sink need next? A window over the layers, in their order, from the first missing byte on.

What is in the window comes first: from the store by its owners, from peers before all else. Beyond it nothing changes,
so that hosts that stream still hold different pieces and have something to trade. Layers that begin beyond it wait
while peers have enough to give of those before them, or each would get its part of the link.

Invariant: `LayerState.window` of each layer holds those stripes that begin within the window and are not all behind the
front.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.model.geometry import MIB
from dcdist.policy.planner_commands import AskFirst, Reason
from dcdist.policy.preference import TIME
from dcdist.policy.reasons.late_owner import candidates
from dcdist.policy.reasons.view import REST, Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits
    from dcdist.policy.reasons.view import View
    from dcdist.policy.state.layer_state import LayerState

_LEAST = 64 * MIB
"""Bytes of the smallest window: shorter, and the hosts of a fleet would wait for each other's stripes."""

_SECONDS = 10.0
"""Seconds of what this host takes that the window holds at least."""

_ENOUGH_SECONDS = 4.0
_ENOUGH = 16 * MIB
"""What peers hold of the layers before, in seconds of their rate and in bytes, while a later layer waits."""

_FRONT = 4
"""Stripes, and one part in so many of the window, that are needed so soon that others help early there."""


class StreamWindow:
    """Moves the window on, and tells what peers are to be asked for first."""

    def __init__(self) -> None:
        self._size = _LEAST
        self._told: dict[int, AskFirst] = {}

    def moved(self, layers: dict[int, LayerState], *, rate: float, peer_rate: float) -> list[AskFirst]:
        """Put the window where it belongs now; what changed for peers.

        `layers`: in the order of the release; `rate`, `peer_rate`: bytes a second from all sources and from peers.
        """
        # It never shrinks: a rate that goes up and down would move its end to and fro.
        self._size = max(self._size, int(rate * _SECONDS))
        left, ready = self._size, 0
        enough = max(_ENOUGH, int(peer_rate * _ENOUGH_SECONDS))
        changed = []
        for layer, state in layers.items():
            if state.complete:
                state.move_window(range(0))
                continue
            window = _stripes(state, left)
            left -= len(window) * state.geometry.stripe_length
            state.move_window(window)
            prefer = AskFirst(layer, state.window_pieces, others=bool(window) or ready < enough)
            if prefer != self._told.get(layer, AskFirst(layer, 0)):
                self._told[layer] = prefer
                changed.append(prefer)
            ready += (state.missing & state.seen).bit_count() * state.geometry.piece_length
        return changed


def _stripes(state: LayerState, left: int) -> range:
    """The stripes of a layer from the first that is not all there, as many as begin within `left` bytes."""
    if left <= 0:
        return range(0)
    geometry = state.geometry
    first = pieces.first_missing(state.have) // geometry.pieces_per_stripe
    return range(first, min(geometry.stripe_count, first - -left // geometry.stripe_length))


class LateInWindow:
    """What the sink needs soon and its owner is late with: before own stripes that are needed later."""

    rules: frozenset[Rule] = frozenset({Rule.STREAM})

    def __init__(self) -> None:
        self._rests_until = 0.0

    def find(self, view: View, *, now: float) -> Run | None:
        """Pieces at the front of the window; None if there is no window, or its owners are in time."""
        if now < self._rests_until:
            return None
        for layer, state in view.layers.items():
            wanted = view.drawable(layer, state.unseen & state.window_pieces)
            if not wanted or state.ownership.alone:
                continue
            if state.next_own() in state.window:
                return None
            run = self._late(view, layer, wanted, now=now)
            if run:
                return Run(layer, run, Reason.STREAM)
        self._rests_until = now + REST
        return None

    def _late(self, view: View, layer: int, wanted: Bits, *, now: float) -> range | None:
        """As with any late owner, but judged with the margin of `TIME`; what is needed later has time."""
        state, speed = view.layers[layer], replace(view.speed(layer), preference=TIME)
        stop = state.window.start + max(_FRONT, len(state.window) // _FRONT)
        unseen = [stripe for stripe in state.stripes_with(wanted) if stripe < stop]
        for stripe, owner, ahead in candidates(state, unseen):
            rank = state.ownership.rank(stripe)
            if view.owners.should_help(owner, ahead=ahead, rank=rank, helper=speed, now=now):
                return state.of_stripe(stripe, wanted)
        return None
