"""Which of the hosts that are listed does this host reach, and when are they so few that people must hear of it?

A host may be listed and unreachable because it died a moment ago, or because something between the two lets no
connection through. The first is a part of life, the second costs this host what it came for. So the hosts that were
reached once count against a network that works, for as long as one that died stays listed. A host that was killed and
started again is listed twice, at one address; so what counts is who is reached where, not under which id.

Invariant: it warns once each time it comes to reach hardly anybody, and not again before it reaches more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcdist.model.identity import Address

_PATIENCE = 6.0
"""Seconds of silence after which a host is unreachable: a dial whose packets are dropped fails after five."""

_FEW = 4
"""A warning is due when more hosts than this are unreachable for each one that is linked, or when none is linked."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How this host stands with another.

    `place` is where the other one listens. `linked`: there is a link, whoever dialled. `silent_since`: the time, in
    seconds, from which on every dial was in vain; None if none was, or it answered the last one. `failure`: why the
    last dial failed; empty if nobody knows.
    """

    place: Address
    linked: bool = False
    silent_since: float | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class MemberCounts:
    """Hosts that this host is to trade with: all of them, those linked now, and those dialled in vain for a while."""

    listed: int = 0
    linked: int = 0
    unreachable: int = 0


class Reachability:
    """What the looks at all contacts add up to."""

    def __init__(self) -> None:
        self.counts = MemberCounts()
        self._reached_at: dict[Address, float] = {}
        self._warned = False

    def look(self, contacts: Iterable[Contact], *, now: float, listed_for: float) -> tuple[Contact, ...]:
        """Take the contacts of now; those to warn of, if it is time for that.

        Several contacts of one place are one: it is linked if one of them is. `listed_for`: seconds for which a host
        that died stays listed; one that was reached before is warned of only after more silence than that.
        """
        places: dict[Address, Contact] = {}
        for each in contacts:
            if each.linked or each.place not in places:
                places[each.place] = each
        self._reached_at = {place: time for place, time in self._reached_at.items() if place in places}
        self._reached_at |= {place: now for place, each in places.items() if each.linked}
        silence = {place: self._silence(each, now) for place, each in places.items()}
        linked = sum(each.linked for each in places.values())
        unreachable = sum(seconds >= _PATIENCE for seconds in silence.values())
        self.counts = MemberCounts(len(places), linked, unreachable)
        cut_off = tuple(
            each
            for place, each in places.items()
            if silence[place] >= _PATIENCE and (place not in self._reached_at or silence[place] > listed_for)
        )
        warned, self._warned = self._warned, len(cut_off) > linked * _FEW
        return cut_off if self._warned and not warned else ()

    def _silence(self, contact: Contact, now: float) -> float:
        """Seconds for which a host has been silent."""
        if contact.linked or contact.silent_since is None:
            return 0.0
        return now - max(contact.silent_since, self._reached_at.get(contact.place, contact.silent_since))
