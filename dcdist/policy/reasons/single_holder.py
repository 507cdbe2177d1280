"""Which pieces has one peer alone held for so long that its link must be what holds them up?

What is rare is asked for first, so a piece that a single peer holds is soon with a second one, from where it spreads.
At the end of a fetch all wait for the same few, and each of them asks the one that holds them. If its uplink is slow,
that takes as many times as long as there are hosts; a second copy from the store costs one piece.

Rules: only for what comes within `_END` seconds, when the link is no longer full, and by rank, so that one host draws
it and the others get it from there.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcdist.model.pieces import Bits
    from dcdist.policy.link.link import Link
    from dcdist.policy.state.layer_state import LayerState

_LONG = 2.0
"""Seconds that a piece must have been with one peer alone."""

_END = 4.0
"""Seconds that what is missing would take at the link's best rate, above which it is not the end."""

_SHARE = 0.7
"""Of the best rate, below which a link is not full."""

_SETTLE = 0.3
"""Seconds that this must last."""

_TURN = 0.5
"""Seconds between the turns of two ranks."""


@dataclass(slots=True)
class _Looks:
    """When a layer's peers were looked at, and which pieces one of them alone had; each holds until the next."""

    taken: deque[tuple[float, Bits]] = field(default_factory=deque)

    def add(self, single: Bits, *, now: float) -> None:
        self.taken.append((now, single))
        while len(self.taken) > 1 and self.taken[1][0] <= now - _LONG:
            self.taken.popleft()

    def long(self, *, now: float) -> Bits:
        """The pieces that are in all looks which held during the last `_LONG` seconds; none if that is too early."""
        stuck = -1
        for position, (_, single) in enumerate(self.taken):
            last = position + 1 == len(self.taken)
            if last or self.taken[position + 1][0] > now - _LONG:
                stuck &= single
        return stuck if self.taken and self.taken[0][0] <= now - _LONG else 0


class SingleHolder:
    """Follows what single peers hold."""

    def __init__(self) -> None:
        self._looks: dict[int, _Looks] = {}

    def seen(self, layer: int, single: Bits, *, now: float) -> None:
        """These pieces of a layer are held by one peer each."""
        self._looks.setdefault(layer, _Looks()).add(single, now=now)

    def choose(
        self, plans: Mapping[int, LayerState], wanted: Mapping[int, Bits], link: Link, *, now: float
    ) -> tuple[int, range] | None:
        """The layer and the pieces of a stripe that this host draws, of those `wanted`; None if there is none."""
        waited = link.below(_SHARE, now=now) - _SETTLE
        if waited < 0 or sum(plan.missing_bytes() for plan in plans.values()) > _END * link.best:
            return None
        for layer, plan in plans.items():
            stuck = wanted[layer] & self._looks.get(layer, _Looks()).long(now=now)
            ranked = [(plan.ownership.rank(s), s) for s in plan.stripes_with(stuck) if plan.ownership.covers(s)]
            if ranked:
                rank, stripe = min(ranked)
                if (rank - 1) * _TURN <= waited:
                    return layer, plan.of_stripe(stripe, stuck)
        return None
