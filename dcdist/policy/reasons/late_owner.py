"""Which stripes of others should this host draw? Those whose owner would begin later than this host would be done.

Helpers go by rank and from the back of the owner's list, so that they seldom meet. In a large fleet it is simpler: what
does not appear in its turn is drawn by rank, all at the same pace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.fleet.owners import OwnSpeed
from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import REST, Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcdist.model.identity import HostId
    from dcdist.policy.reasons.view import View
    from dcdist.policy.state.layer_state import LayerState


class LateOwner:
    """A stripe of the own prefix whose owner is late."""

    rules: frozenset[Rule] = frozenset({Rule.LATE_OWNER})

    def __init__(self) -> None:
        self._rests_until = 0.0

    def find(self, view: View, *, now: float) -> Run | None:
        """A stripe for which it is this host's turn to help; None if there is none."""
        if now < self._rests_until:
            return None
        found = self._of_owners(view, now=now) if view.window is None else self._in_turn(view, now=now)
        if found is None:
            self._rests_until = now + REST
        return found

    def _of_owners(self, view: View, *, now: float) -> Run | None:
        unseen = {layer: wanted for layer, _, wanted in view.unseen()}
        left = {layer: list(each.stripes_with(unseen[layer] & each.assigned)) for layer, each in view.layers.items()}
        ending = sum(map(len, left.values())) <= view.most_members
        for layer, state in view.layers.items():
            if state.ownership.alone:
                continue
            speed = view.speed(layer)
            for stripe, owner, ahead in candidates(state, left[layer]):
                rank = state.ownership.rank(stripe)
                if view.owners.should_help(owner, ahead=ahead, rank=rank, helper=speed, ending=ending, now=now):
                    return Run(layer, state.of_stripe(stripe, unseen[layer]), Reason.LATE_OWNER)
        return None

    def _in_turn(self, view: View, *, now: float) -> Run | None:
        """A stripe whose turn it is and that does not appear."""
        ranked = []
        for layer, state, stripes in view.in_turn():
            wanted = view.drawable(layer, state.unseen)
            ranked += [(state.ownership.rank(each), layer, each) for each in stripes if state.of_stripe(each, wanted)]
        for rank, layer, stripe in sorted(ranked):
            expected = max(view.stripe_time(layer), view.fleet_window.stripe_time(view.window or 1))
            margin = OwnSpeed(expected, expected, view.preference).margin
            if rank and view.fleet_window.overdue(expected, now=now) >= (rank - 1) * margin:
                state = view.layers[layer]
                wanted = view.drawable(layer, state.unseen)
                return Run(layer, state.of_stripe(stripe, wanted), Reason.LATE_OWNER)
        return None


def candidates(state: LayerState, unseen: Iterable[int]) -> Iterator[tuple[int, HostId, int]]:
    """Stripes of others that hold unseen pieces: (stripe, owner, stripes of that owner ahead of it).

    In the order in which this host should help: by its rank, then from the back of the owner's list.
    """
    ownership = state.ownership
    by_owner: dict[HostId, list[tuple[int, int]]] = {}
    for stripe in unseen:
        owner = ownership.owner(stripe)
        if owner is not None and ownership.rank(stripe):
            by_owner.setdefault(owner, []).append((state.place(owner, stripe), stripe))
    ranked = [
        (ownership.rank(stripe), -ahead, stripe, owner)
        for owner, listed in by_owner.items()
        for ahead, (_, stripe) in enumerate(sorted(listed))
    ]
    for _, negated, stripe, owner in sorted(ranked):
        yield stripe, owner, -negated
