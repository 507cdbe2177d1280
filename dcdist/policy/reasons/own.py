"""Which of its own stripes does this host draw next? Those that no peer holds, in its own order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import Run

if TYPE_CHECKING:
    from dcdist.policy.reasons.view import View
    from dcdist.policy.rules import Rule


class Own:
    """The next own stripe, with those that follow; in a large fleet of those only whose turn it is."""

    rules: frozenset[Rule] = frozenset()

    def find(self, view: View, *, now: float) -> Run | None:
        """The next own stripe; None if peers or draws have all."""
        return self._any(view) if view.window is None else self._in_turn(view)

    def _any(self, view: View) -> Run | None:
        for layer, state, wanted in view.unseen():
            if not wanted:
                continue
            if wanted != state.unseen:
                own = (each for each in state.stripes_with(wanted) if state.ownership.owner(each) == view.host)
                stripe = next(own, None)
            else:
                stripe = state.next_own()
            if stripe is not None:
                run = state.fit(state.of_stripe(stripe, wanted), wanted, view.longest_request)
                return Run(layer, run, Reason.OWN)
        return None

    def _in_turn(self, view: View) -> Run | None:
        for layer, state, stripes in view.in_turn():
            wanted = view.drawable(layer, state.unseen)
            for stripe in stripes:
                if state.ownership.owner(stripe) == view.host and state.of_stripe(stripe, wanted):
                    allowed = pieces.of(piece for each in stripes for piece in state.geometry.stripe_pieces(each))
                    run = state.fit(state.of_stripe(stripe, wanted), wanted & allowed, view.longest_request)
                    return Run(layer, run, Reason.OWN)
        return None
