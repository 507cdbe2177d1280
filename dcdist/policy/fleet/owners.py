"""How far is each owner of stripes, and how fast does it go? Seen at its peers; nobody is asked.

An owner's list and its order are known to all, and what it has drawn is seen at its peers; so when it will come to a
stripe can be reckoned. An owner that shows nothing for a while is taken to begin never.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.policy.lateness import SILENCE, VIEW_LAG, Lateness

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcdist.model.identity import HostId
    from dcdist.policy.preference import Preference
    from dcdist.policy.state.layer_state import LayerState

_AT_WORK = 2
"""Stripes of its list that an owner has begun already, beyond those that are seen."""

_SLOW = 1.5
"""Times the interval that is usual between two stripes from which on an owner is slow."""

_SURE = 4
"""Stripes over which an owner must have been slow to be so to the end: what helpers draw looks like its own work."""

_FEW = 3
"""Owners of whom fewer do not tell what is usual."""

_GONE = 2
"""Margins by which an owner must be overdue to be counted as gone: its turn to help is not awaited either."""


@dataclass(slots=True)
class _Owner:
    """How one owner gets on: stripes of its own that appeared, at first and in all, and when.

    `slow`: its longest interval while it was slow; what helpers draw later looks like its own work, and hides it.
    """

    lateness: Lateness
    first: float = 0.0
    at_first: int = 0
    last: float = 0.0
    done: int = 0
    slow: float = 0.0

    def interval(self) -> float | None:
        """Mean seconds between its stripes; None before there were some at two times."""
        return (self.last - self.first) / (self.done - self.at_first) if self.done > self.at_first else None

    def overdue(self, helper: OwnSpeed, *, now: float) -> float:
        """Seconds for which its next stripe has been overdue, as `helper` sees it; negative if it is not."""
        interval = self.interval() or helper.own_interval
        return self.lateness.overdue(
            SILENCE, 3 * interval, 1.5 * helper.own_time, lag=helper.preference.view_lag, now=now
        )


@dataclass(frozen=True, slots=True)
class OwnSpeed:
    """What this host brings: seconds for one stripe, seconds between two, and its preference."""

    own_time: float
    own_interval: float
    preference: Preference

    @property
    def margin(self) -> float:
        """By how much an owner must be late for this host to step in.

        The careful margin never draws what the owner would have begun before it could know: what is seen of it is a
        view's lag old, and so is what it will see.
        """
        careful = 1.25 * self.own_time + 2 * VIEW_LAG
        return careful * self.preference.margin


class Owners:
    """Watches the owners of all layers, and judges whether a stripe may be left to its owner."""

    def __init__(self) -> None:
        self._owners: dict[HostId, _Owner] = {}
        self._gone: tuple[float, OwnSpeed | None, float] = (0.0, None, 0.0)
        self._usual: float | None = None

    def watch(self, host: HostId, *, now: float) -> None:
        """A member is there; its first stripes are awaited from now on."""
        self._owners.setdefault(host, _Owner(Lateness(now)))

    def forget(self, host: HostId) -> None:
        """A member left."""
        self._owners.pop(host, None)
        self._usual = None

    def appeared(self, host: HostId, *, now: float) -> None:
        """A stripe that `host` owns was seen at a peer."""
        self._usual = None
        owner = self._owners.setdefault(host, _Owner(Lateness(now)))
        if owner.done == 0:
            owner.first = now
        owner.done += 1
        owner.last = now
        owner.lateness.came(now=now)
        if now == owner.first:
            owner.at_first = owner.done
        interval = owner.interval()
        if interval and owner.done - owner.at_first >= _SURE and interval > _SLOW * self._usual_interval():
            owner.slow = max(owner.slow, interval)

    def should_help(
        self, host: HostId, *, ahead: int, rank: int, helper: OwnSpeed, now: float, ending: bool = False
    ) -> bool:
        """Whether the member of `rank` (1 is the next after the owner) draws a stripe of `host`.

        `ahead` stripes stand before it in the owner's list. Each rank waits for the one before it to show, but not for
        those that are gone too. `ending`: there are fewer stripes left than members.
        """
        owner = self._owners.get(host)
        if owner is None:
            return True
        overdue = owner.overdue(helper, now=now)
        if overdue > 0:
            return overdue >= (rank - 1) * helper.margin * (1 - self.share_gone(helper, now=now))
        interval = owner.interval() or helper.own_interval
        silence = owner.lateness.silence(now=now)
        if owner.slow or interval > _SLOW * self._usual_interval():
            interval = max(interval, owner.slow)
            # The others would wait for it at the end, and for what it drew last to come through its slow link: those
            # stripes that it has begun are then drawn twice, by who is not slow too.
            if ending and helper.own_time < _SLOW * interval:
                return silence >= (rank - 1) * helper.margin / 4
            return (ahead - _AT_WORK + 1) * interval - silence > rank * helper.margin / 4
        return (ahead - _AT_WORK) * interval - silence > rank * helper.margin

    def _usual_interval(self) -> float:
        """The median of all owners; infinite while there are too few to tell."""
        if self._usual is None:
            known = sorted(interval for owner in self._owners.values() if (interval := owner.interval()) is not None)
            self._usual = known[len(known) // 2] if len(known) >= _FEW else float("inf")
        return self._usual

    def share_gone(self, helper: OwnSpeed, *, now: float) -> float:
        """The share of all owners that have shown nothing for far too long: 0 to 1."""
        at, seen_by, share = self._gone
        if at != now or seen_by != helper:
            gone = sum(owner.overdue(helper, now=now) > _GONE * helper.margin for owner in self._owners.values())
            share = gone / max(1, len(self._owners))
            self._gone = (now, helper, share)
        return share


_FRONT = 4
"""Stripes at the front of a list that always count as the owner's own work."""


def own_work(state: LayerState, shown: Sequence[int]) -> Iterator[HostId]:
    """The owners of stripes that appeared, once for each that was their own doing.

    This host knows what it drew itself, and other helpers take the back of a list: only what appears in the front half
    of what was left of it says that its owner gets on.
    """
    fronts: dict[HostId, set[int]] = {}
    for stripe in shown:
        owner = state.ownership.owner(stripe)
        if owner is None or state.ownership.rank(stripe) == 0 or state.is_drawn(stripe):
            continue
        if owner not in fronts:
            left = [each for each in state.round_of(owner) if each in shown or not state.is_shown(each)]
            fronts[owner] = set(left[: max(_FRONT, len(left) // 2)])
        if stripe in fronts[owner]:
            yield owner
