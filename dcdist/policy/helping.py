"""Which stripes of others should this host draw? Those whose owner would begin later than this host would be done.

An owner's list and its order are known to all, and what it has drawn is seen at its peers; so how far it is, how fast
it goes, and when it will come to a stripe can be reckoned without asking it. An owner that shows nothing for a while
is taken to begin never. Helpers go by rank and from the back of the owner's list, so that they seldom meet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcdist.model.identity import HostId
    from dcdist.policy.layer_plan import LayerPlan

_VIEW_LAG = 1.0
"""Seconds until another host notices what this one has drawn."""

_SILENCE = 2.0
"""Seconds without progress that are never taken for a stall."""


@dataclass(slots=True)
class _Owner:
    """How one owner gets on: stripes of its own that appeared, the first and the latest time."""

    since: float
    done: int = 0
    latest: float = 0.0

    def interval(self) -> float | None:
        """Mean seconds between its stripes; None before there were two."""
        return (self.latest - self.since) / self.done if self.done >= 2 else None


class Helping:
    """Watches the owners of all layers, and judges whether a stripe may be left to its owner."""

    def __init__(self) -> None:
        self._owners: dict[HostId, _Owner] = {}

    def watch(self, host: HostId, *, now: float) -> None:
        """A member is there; its first stripes are awaited from now on."""
        self._owners.setdefault(host, _Owner(since=now))

    def forget(self, host: HostId) -> None:
        """A member left."""
        self._owners.pop(host, None)

    def appeared(self, host: HostId, *, now: float) -> None:
        """A stripe that `host` owns was seen at a peer."""
        owner = self._owners.setdefault(host, _Owner(since=now))
        owner.done += 1
        owner.latest = now

    def begins_in(self, host: HostId, ahead: int, own_interval: float, *, now: float) -> float:
        """Seconds until `host` comes to the stripe that has `ahead` others before it; infinite if it has stalled."""
        owner = self._owners.get(host)
        if owner is None:
            return float("inf")
        interval = owner.interval() or own_interval
        silence = now - max(owner.latest, owner.since)
        if silence > max(_SILENCE, 3 * interval):
            return float("inf")
        return max(0.0, ahead * interval - silence)


def candidates(plan: LayerPlan, unseen: Iterable[int]) -> Iterator[tuple[int, HostId, int]]:
    """Stripes of others that hold unseen pieces: (stripe, owner, stripes of that owner ahead of it).

    In the order in which this host should help: by its rank, then from the back of the owner's list.
    """
    ownership = plan.ownership
    by_owner: dict[HostId, list[tuple[int, int]]] = {}
    for stripe in unseen:
        owner = ownership.owner(stripe)
        if ownership.rank(stripe):
            position = (stripe - ownership.start_of(owner)) % plan.geometry.stripe_count
            by_owner.setdefault(owner, []).append((position, stripe))
    ranked = [
        (ownership.rank(stripe), -ahead, stripe, owner)
        for owner, listed in by_owner.items()
        for ahead, (_, stripe) in enumerate(sorted(listed))
    ]
    for _, negated, stripe, owner in sorted(ranked):
        yield stripe, owner, -negated


def is_worth_it(begins_in: float, own_time: float, *, eager: bool) -> bool:
    """Whether to draw a stripe that its owner begins in `begins_in` seconds, if this host needs `own_time` for it.

    The careful rule never draws what the owner would have begun before it could know; the eager one, for hosts that
    would rather wait less, halves the margins at the price of a few duplicates.
    """
    margin = 0.5 if eager else 1.25
    return begins_in > margin * own_time + (0.5 * _VIEW_LAG if eager else _VIEW_LAG)
