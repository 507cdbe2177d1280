"""Has too little come for too long, while nothing is asked of the store? Then the next missing piece is drawn.

The rule that all others refine. It believes nobody: whoever owns, offers or holds a piece, and whatever heartbeats say,
this host never stands still beside a store that answers. One request at a time, until peers give enough again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.link.unpaid_time import MOST
from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from dcdist.policy.reasons.view import View

_DOUBTFUL = 2.0
"""Seconds that are borne where others are not what they claim to be."""


class Standstill:
    """The first missing stripe of this host's own order: hosts that stand still draw different ones."""

    rules: frozenset[Rule] = frozenset({Rule.STANDSTILL})

    def find(self, view: View, *, now: float) -> Run | None:
        """That stripe; None while something is asked of the store, or enough comes."""
        if not stands_still(view, now=now):
            return None
        for layer, state in view.layers.items():
            wanted = view.drawable(layer, state.missing)
            if wanted:
                stripe = min(state.stripes_with(wanted), key=lambda each: state.place(view.host, each))
                return Run(layer, state.of_stripe(stripe, wanted), Reason.STANDSTILL)
        return None


def stands_still(view: View, *, now: float) -> bool:
    """Whether it is time to draw whatever others claim."""
    return not view.draws.sure(now=now) and view.unpaid.lasts(now=now) >= bound(view)


def bound(view: View) -> float:
    """Seconds without enough that are borne: those of the preference, and what a stripe takes; a minute at most."""
    patience = _DOUBTFUL if _doubtful(view) else view.preference.standstill_after
    return min(MOST, patience + view.longest_stripe_time)


def _doubtful(view: View) -> bool:
    """Whether a peer gave a wrong piece, or fewer than half of the others that share the work are linked."""
    others = view.most_members - 1
    return view.betrayed or (view.linked is not None and 2 * view.linked < others)
