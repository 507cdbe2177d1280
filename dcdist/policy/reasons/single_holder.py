"""Which of the last pieces does one slow uplink hold up? Those that one peer alone has held for long.

What is rare is asked for first, so a piece that a single peer holds is soon with a second one, from where it spreads.
At the end of a fetch all wait for the same few, and each of them asks the one that holds them. If its uplink is slow,
that takes as many times as long as there are hosts; a second copy from the store costs one piece.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from dcdist.policy.reasons.view import View

_END = 4.0
"""Seconds that what is missing would take at the link's best rate, above which it is not the end."""

_SHARE = 0.7
"""Of the best rate, below which a link is not full."""

_AFTER = 0.3
"""Seconds that this must last."""

_TURN = 0.5
"""Seconds between the turns of two ranks: one host draws it, the others get it from there."""


class SingleHolder:
    """A stripe at the end, when the link is no longer full."""

    rules: frozenset[Rule] = frozenset({Rule.SINGLE_HOLDER})

    def find(self, view: View, *, now: float) -> Run | None:
        """The one for which this host's turn is the first; None if it is not its turn yet."""
        waited = view.link.below(_SHARE, now=now) - _AFTER
        if waited < 0 or view.missing > _END * view.link.best:
            return None
        for layer, state in view.layers.items():
            held = view.held_alone.get(layer)
            alone = view.drawable(layer, state.missing) & held.long(now=now) if held else 0
            covers, rank = state.ownership.covers, state.ownership.rank
            ranked = [(rank(each), each) for each in state.stripes_with(alone) if covers(each)]
            if ranked:
                first, stripe = min(ranked)
                if (first - 1) * _TURN <= waited:
                    return Run(layer, state.of_stripe(stripe, alone), Reason.SINGLE_HOLDER)
        return None
