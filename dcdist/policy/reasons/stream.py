"""What does the sink need next? A window over the layers, in their order, from the first missing byte on.

What is in the window comes first: from the store by its owners, from peers before all else. Beyond it all is as ever,
so that hosts that stream still hold different pieces and have something to trade. Layers that begin beyond it wait
while peers have enough to give of those before them, or each would get its part of the link.

Invariant: `plan.window` of each layer holds the stripes that begin within the window and are not all behind the front.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.model.geometry import MIB
from dcdist.policy.planner_commands import AskFirst
from dcdist.policy.preference import TIME
from dcdist.policy.reasons import late_owner
from dcdist.policy.reasons.late_owner import OwnSpeed

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits
    from dcdist.policy.reasons.late_owner import Owners
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

    def moved(self, plans: dict[int, LayerState], *, rate: float, peer_rate: float) -> list[AskFirst]:
        """Put the window where it belongs now; what changed for peers.

        `plans`: in the order of the release; `rate`, `peer_rate`: bytes a second from all sources and from peers.
        """
        # It never shrinks: a rate that goes up and down would move its end to and fro.
        self._size = max(self._size, int(rate * _SECONDS))
        left, ready = self._size, 0
        enough = max(_ENOUGH, int(peer_rate * _ENOUGH_SECONDS))
        changed = []
        for layer, plan in plans.items():
            if plan.complete:
                plan.move_window(range(0))
                continue
            window = _stripes(plan, left)
            left -= len(window) * plan.geometry.stripe_length
            plan.move_window(window)
            prefer = AskFirst(layer, plan.window_pieces, others=bool(window) or ready < enough)
            if prefer != self._told.get(layer, AskFirst(layer, 0)):
                self._told[layer] = prefer
                changed.append(prefer)
            ready += (plan.missing & plan.seen).bit_count() * plan.geometry.piece_length
        return changed


def _stripes(plan: LayerState, left: int) -> range:
    """The stripes of a layer from the first that is not all there, as many as begin within `left` bytes."""
    if left <= 0:
        return range(0)
    geometry = plan.geometry
    first = pieces.first_missing(plan.have) // geometry.pieces_per_stripe
    return range(first, min(geometry.stripe_count, first - -left // geometry.stripe_length))


def late(plan: LayerState, wanted: Bits, judge: Owners, own_time: float, limit: int, *, now: float) -> range | None:
    """Pieces among `wanted` at the front of the window whose owner would begin them too late, if there are any.

    As in helping, but judged with the margin of `TIME`; what is needed later has time. `own_time`, `limit`:
    seconds in which this host draws a stripe, and how many it draws at once.
    """
    helper = OwnSpeed(own_time, own_time / limit, TIME)
    stop = plan.window.start + max(_FRONT, len(plan.window) // _FRONT)
    unseen = [stripe for stripe in plan.stripes_with(wanted) if stripe < stop]
    for stripe, owner, ahead in late_owner.candidates(plan, unseen):
        rank = plan.ownership.rank(stripe)
        if judge.should_help(owner, ahead=ahead, rank=rank, helper=helper, now=now):
            return plan.of_stripe(stripe, wanted)
    return None
