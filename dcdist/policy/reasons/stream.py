"""What does the sink need next? A window over the layers, in their order, from the first missing byte on.

What is in the window comes first: from the store by its owners, from peers before all else. Beyond it nothing changes,
so that hosts that stream still hold different pieces and have something to trade. Layers that begin beyond it wait
while peers have enough to give of those before them, or each would get its part of the link.

Invariant: `LayerState.window` of each layer holds those stripes that begin within the window and are not all behind the
front.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.model.geometry import MIB
from dcdist.policy.planner_commands import AskFirst

if TYPE_CHECKING:
    from dcdist.policy.state.layer_state import LayerState

_LEAST = 64 * MIB
"""Bytes of the smallest window: shorter, and the hosts of a fleet would wait for each other's stripes."""

_SECONDS = 10.0
"""Seconds of what this host takes that the window holds at least."""

_ENOUGH_SECONDS = 4.0
_ENOUGH = 16 * MIB
"""What peers hold of the layers before, in seconds of their rate and in bytes, while a later layer waits."""


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
