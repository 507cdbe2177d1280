"""Which stripes of other prefixes does this host adopt? Those that do not come: their members are gone or cut off.

Only with no work left in its own prefix, and in turns, those of near prefixes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.policy.lateness import Lateness
from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons.view import REST, Run
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from dcdist.policy.reasons.view import View

_STRIPES = 3
"""Times in which this host draws a stripe that it waits at least: where the store is slow, all is."""

_LOOKED_AT = 16
"""Stripes that are looked at at once: each costs as much as the prefix has members."""


class OtherPrefix:
    """A stripe of another prefix, when nothing comes from there."""

    rules: frozenset[Rule] = frozenset({Rule.OTHER_PREFIX})

    def __init__(self) -> None:
        self._rests_until = 0.0
        self._at_work = Lateness(0.0)

    def find(self, view: View, *, now: float) -> Run | None:
        """A stripe for which it is this host's turn; None if there is none."""
        if now < self._rests_until:
            return None
        if view.window is not None and next(view.in_turn(), None):
            # While others of the prefix are at work, what other prefixes lack is not given up either.
            self._at_work.came(now=now)
        found = self._adopted(view, now=now)
        if found is None:
            self._rests_until = now + REST
        return found

    def _adopted(self, view: View, *, now: float) -> Run | None:
        preference = view.preference
        silent = Lateness(max(view.others.latest, self._at_work.latest))
        patience = max(preference.adopt_after, preference.adopt_after_share * (now - view.fleet_window.begun))
        if silent.overdue(patience, now=now) < 0:
            return None
        for layer, state, wanted in view.unseen():
            speed = view.speed(layer)
            overdue = silent.overdue(patience, _STRIPES * speed.own_time, now=now)
            if not wanted or not state.ownership.divided or overdue < 0:
                continue
            here = 1 - view.owners.share_gone(speed, now=now)
            for stripe in state.other_prefix_stripes(wanted)[:_LOOKED_AT]:
                if overdue >= state.ownership.adoption_place(stripe) * here * preference.adopt_turn:
                    return Run(layer, state.of_stripe(stripe, wanted), Reason.OTHER_PREFIX)
        return None
