"""Has too little come for too long, while nothing is asked of the store? Then the next missing piece is drawn.

The rule that all others refine. It believes nobody: whoever owns, offers or holds a piece, and whatever heartbeats say,
this host never stands still beside a store that answers. One request at a time, until peers give enough again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from dcdist.policy.reasons.view import View


class Standstill:
    """The first missing stripe of this host's own order: hosts that stand still draw different ones."""

    rules: frozenset[Rule] = frozenset({Rule.STANDSTILL})

    def find(self, view: View, *, now: float) -> Run | None:
        """That stripe; None while something is asked of the store, or enough comes."""
        if view.draws.active or view.silence.lasts(now=now) < bound(view):
            return None
        for layer, state in view.layers.items():
            wanted = view.drawable(layer, state.missing)
            if wanted:
                stripe = min(state.stripes_with(wanted), key=lambda each: state.place(view.host, each))
                return Run(layer, state.of_stripe(stripe, wanted), Reason.STANDSTILL)
        return None


def bound(view: View) -> float:
    """Seconds of silence that are borne: those of the preference, and what a stripe takes."""
    return view.preference.standstill_after + view.longest_stripe_time
