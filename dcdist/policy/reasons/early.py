"""What is surely this host's own, while others that begin now may not be known yet? No link need idle meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.fleet.fleet_share import NEWCOMERS, NEWCOMERS_EACH
from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from dcdist.policy.reasons.view import View


class Early:
    """A single stripe that this host would win against all newcomers."""

    rules: frozenset[Rule] = frozenset({Rule.EARLY})
    before_others_known = True

    def find(self, view: View, *, now: float) -> Run | None:
        """The heaviest one; None once the others are known."""
        if view.acquaintance.knows_others(now=now):
            return None
        rivals = max(NEWCOMERS, NEWCOMERS_EACH * len(view.members))
        for layer, state, wanted in view.unseen():
            stripe = state.next_sure(rivals) if wanted else None
            if stripe is not None and state.of_stripe(stripe, wanted):
                return Run(layer, state.of_stripe(stripe, wanted), Reason.EARLY)
        return None
