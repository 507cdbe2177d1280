"""How much of a bound on the whole fleet may this host take? The bound over the hosts that draw, and nobody is asked.

Each host counts those that it knows to draw; of a prefix they stand for the others. Hosts count each other at different
times, so a new one begins with a small share, and has its whole one when all others know of it and take less.

Invariant: with views that agree, the shares of all hosts sum up to the bound, however unlike the prefixes are: the
members of each share exactly its part of the bound. Between views, one newcomer takes a sixteenth of it at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model.member import Role
from dcdist.policy.planner_events import MembersChanged, PrefixChanged

if TYPE_CHECKING:
    from dcdist.model.identity import HostId

NEWCOMERS, NEWCOMERS_EACH = 16, 4
"""Hosts that may begin now and not be known yet: so many at least, and so many for each that is known."""


class FleetShare:
    """One host's share of `cap` (bytes a second). It counts itself as one that draws."""

    def __init__(self, cap: float, *, acquainted_from: float) -> None:
        """`acquainted_from`: by this time hosts that begin together know each other."""
        self._cap = cap
        self._acquainted_from = acquainted_from
        self._drawers: set[HostId] = set()
        self._bits = 0

    def told(self, event: MembersChanged | PrefixChanged) -> None:
        """The members of this host's prefix changed, or the prefix."""
        if isinstance(event, PrefixChanged):
            self._bits = event.bits
            return
        self._drawers -= set(event.left)
        for member in event.joined:
            if member.role is Role.DRAWER and member.needs:
                self._drawers.add(member.host)
            else:
                self._drawers.discard(member.host)

    @property
    def drawers(self) -> int:
        """Hosts of the fleet that draw, as far as the prefix tells, this one among them."""
        return (len(self._drawers) + 1) << self._bits

    def rate(self, *, noticed_from: float, now: float) -> float:
        """Bytes a second that this host may take now. `noticed_from`: when all others know it; may be infinite."""
        drawers = self.drawers
        if now < self._acquainted_from:
            drawers *= NEWCOMERS_EACH
        return self._cap / (drawers if now >= noticed_from else max(NEWCOMERS, drawers))
