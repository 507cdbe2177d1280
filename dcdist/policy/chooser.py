"""Which pieces to ask the store for next: the first reason that finds some. Their order is their rank.

First copies come before second ones: own stripes, then those of late owners and of other prefixes; then what peers hold
and do not bring. Before all of them, when this host stands still, comes whatever is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.idle_link import IdleLink
from dcdist.policy.reasons.late_owner import LateOwner
from dcdist.policy.reasons.other_prefix import OtherPrefix
from dcdist.policy.reasons.own import Own
from dcdist.policy.reasons.standstill import Standstill
from dcdist.policy.reasons.undelivered import Undelivered

if TYPE_CHECKING:
    from dcdist.policy.reasons.view import Run, View
    from dcdist.policy.rules import Rule


class _Finder(Protocol):
    rules: frozenset[Rule]
    """Those that it stands for: if all are off, it is not asked."""

    def find(self, view: View, *, now: float) -> Run | None:
        """What to draw for this reason now; None: nothing."""


REASONS: tuple[type[_Finder], ...] = (
    Standstill,
    Own,
    LateOwner,
    OtherPrefix,
    Undelivered,
    IdleLink,
)

_WORK = frozenset({Reason.OWN, Reason.LATE_OWNER})
"""Reasons that are work in the own prefix."""


class Chooser:
    """Goes through the reasons for one fetch."""

    def __init__(self, view: View) -> None:
        self._finders = [each() for each in REASONS if not each.rules or any(map(view.follows, each.rules))]

    def choose(self, view: View, *, now: float) -> Run | None:
        """The next request; None if there is nothing that this host should draw now."""
        view.barred.lift(now=now)
        for each in self._finders:
            run = each.find(view, now=now)
            if run is not None:
                if run.reason in _WORK:
                    view.others.came(now=now)
                state = view.layers[run.layer]
                # Two hosts that both draw of a stripe begin at different parts of it.
                turn = 0 if state.window else state.ownership.start_of(view.host)
                return run.cut(max(1, view.longest_request // state.geometry.piece_length), turn)
        return None
