"""Is this host's link all but idle, though something is missing? Then what peers were left to bring is drawn at once.

It happens at the end: the last pieces wait for one slow uplink, and the store has nothing to do. A copy then costs
little, since little is missing, and nothing is pushed out. The quick look at rates that this takes would be wrong for
anything that costs more: for that there is the link's slack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from dcdist.policy.reasons.view import View


class IdleLink:
    """One of the last stripes that peers hold, one at a time."""

    rules: frozenset[Rule] = frozenset({Rule.IDLE_LINK})

    def find(self, view: View, *, now: float) -> Run | None:
        """The one with the least rank: all hosts wait for the same ones, and begin with different ones."""
        preference = view.preference
        if view.draws.active or view.link.below(preference.idle_share, now=now) < preference.idle_after:
            return None
        for layer, state in view.layers.items():
            wanted = view.drawable(layer, state.missing & state.seen)
            if wanted:
                stripe = min(state.stripes_with(wanted), key=state.ownership.rank)
                return Run(layer, state.of_stripe(stripe, wanted), Reason.IDLE_LINK)
        return None
