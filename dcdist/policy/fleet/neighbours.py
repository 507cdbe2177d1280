"""Which hosts does a host deal with, and how often does it look for them? What it costs does not grow with the fleet.

It shares the stripes of its prefix with the members of that prefix, 64 at most, and links to all of them; and to a few
hosts of the prefixes that differ from its own in one digit, so that a fleet is one piece and not islands. Looks and
heartbeats become rarer as the fleet grows: the store answers a bounded number a second, however many hosts there are.

Invariant: in a steady fleet each host ends with its shortest prefix that holds 64 members or fewer, whatever it looked
at before. So those who share a prefix agree on it. (In a fleet that has become smaller those who came before keep a
longer one until the shorter holds 48.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model.identity import PREFIX_STEP, HostId, Prefix, prefix_of
from dcdist.policy.state.ownership import seed, weight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcdist.model.member import Member

_MOST = 64
"""Members of a prefix, this host among them, beyond which it is divided by four."""

_REUNITED = 48
"""Members at which one that was divided is whole again: fewer, or hosts that come and go would shift it."""

_REVIEW = 8
"""Looks between two at the next shorter prefix, to see whether that is small enough by now."""

_FIRST_BITS = 6
"""Length of the first prefix that is looked at: a small fleet needs one or two more looks, a huge one is not listed."""

_ELSEWHERE = 8
"""Links to hosts of other prefixes."""

_FIRST_LOOKS = (0.15, 0.15, 0.15, 0.4, 1.0, 2.0, 3.0)
_LOOK = 5.0
_REFRESH = 12.0
_STALE_REFRESHES = 3.75

_FIRST_LOOKS_A_SECOND = 250.0
_LOOKS_A_SECOND = 50.0
"""Looks that a whole fleet takes each second, and as many heartbeats, when it is large."""

_LISTED = 1.0
"""Seconds that a listing takes at most, unless the store is in trouble."""

_FIRST_AGE = 750.0
"""Age of the heartbeats that the first listing takes for fresh, as those of 10,000 hosts are: it is the only one of the
prefix that most hosts of a large fleet take while all join. A small fleet lists a shorter prefix next in any case."""

_SPREAD = 0.5
"""Part of the time between two looks of a large fleet over which they are spread, or all would come at once."""

_MISJUDGED = 1.5
"""By how much the age of a fresh heartbeat may be off before the listing that it was used for is taken again."""


class Neighbours:
    """The prefix of one host, and whom it links to beyond."""

    def __init__(self, host: HostId) -> None:
        self._host = host
        self._seed = seed(host)
        self._bits = _FIRST_BITS
        self._fleet = 1 << _FIRST_BITS
        self._divided: int | None = None
        self._reviewing = False
        self._looks = 0
        self._counted = False

    @property
    def prefix(self) -> Prefix:
        """The prefix whose members share the work; the one to list next while its size is not right."""
        return Prefix.of(self._host, self._bits)

    @property
    def fleet(self) -> int:
        """Hosts in all, as far as the prefix listed last tells."""
        return self._fleet

    def counted(self, others: int) -> bool:
        """The prefix was seen to hold so many others; whether it is of the right size.

        If not, `prefix` and `listing_age` are those of the listing to take next. Every few looks it is not, though
        nothing changed, to see whether the fleet has become smaller.
        """
        count, before = others + 1, self.listing_age
        self._counted = True
        self._fleet = count << self._bits
        if self.stale_after > before * _MISJUDGED and not self._reviewing:
            return False  # who refreshes as rarely as a fleet of this size may was left out
        if count > (_REUNITED if self._reviewing else _MOST):
            self._divided = self._bits
            self._bits += PREFIX_STEP
            self._reviewing, self._looks = False, 0
            return False
        if self._bits == 0 or (self._divided is not None and not self._is_due(count)):
            self._reviewing = False
            return True
        self._widen(count)
        return False

    def _is_due(self, count: int) -> bool:
        """Whether it is time to look at the shorter prefix again, if that can have become small enough."""
        self._looks += 1
        return self._looks > _REVIEW and count <= _REUNITED

    def _widen(self, count: int) -> None:
        self._reviewing = self._reviewing or self._divided is not None
        self._divided = None
        self._bits -= PREFIX_STEP
        while self._bits and not self._reviewing and (count << 2 * PREFIX_STEP) <= _MOST:
            count <<= PREFIX_STEP
            self._bits -= PREFIX_STEP

    def elsewhere(self) -> list[Prefix]:
        """The prefixes in which this host has links as well: they differ from its own in one digit of two bits.

        Each digit is changed in one way before one is changed in two, or the prefixes that differ in the others would
        be islands; hosts begin with different digits, and change them in different ways.
        """
        mine = prefix_of(self._host, self._bits)
        digits = sorted(range(self._bits // PREFIX_STEP), key=lambda digit: weight(self._seed, digit))
        changes = (1 << PREFIX_STEP) - 1
        return [
            Prefix(self._bits, mine ^ (1 + (weight(self._seed, digit) + turn) % changes) << digit * PREFIX_STEP)
            for turn in range(changes)
            for digit in digits
        ][:_ELSEWHERE]

    def chosen(self, members: Iterable[Member]) -> list[Member]:
        """Those of another prefix that this host links to: no two hosts choose alike, and no look moves the choice."""
        share = -(-_ELSEWHERE // max(1, len(self.elsewhere())))
        return sorted(members, key=lambda member: weight(self._seed, seed(member.host)))[:share]

    def look_after(self, looks: int) -> float:
        """Seconds until the next listing, after so many: hosts that start together must find each other at once."""
        spread = 1 + _SPREAD * (weight(self._seed, looks) / (1 << 64) - 0.5)
        if looks < len(_FIRST_LOOKS):
            return max(_FIRST_LOOKS[looks], spread * self._fleet / _FIRST_LOOKS_A_SECOND)
        return max(_LOOK, spread * self._fleet / _LOOKS_A_SECOND)

    @property
    def refresh(self) -> float:
        """Seconds between two heartbeats that say the same."""
        return max(_REFRESH, self._fleet / _LOOKS_A_SECOND)

    @property
    def noticed_after(self) -> float:
        """Seconds after a host's first heartbeat by which all who were there before have looked, and know it."""
        return max(_LOOK, (1 + _SPREAD / 2) * self._fleet / _LOOKS_A_SECOND) + _LISTED

    @property
    def stale_after(self) -> float:
        """Age in seconds from which a heartbeat counts for nothing."""
        return self.refresh * _STALE_REFRESHES

    @property
    def listed_for(self) -> float:
        """Seconds after its death for which a host may be known: its heartbeat ages, then the listing has its turn."""
        return self.stale_after + max(1, len(self.elsewhere())) * self.noticed_after

    @property
    def listing_age(self) -> float:
        """Age in seconds up to which the next listing takes heartbeats for fresh."""
        return self.stale_after if self._counted else _FIRST_AGE

    def is_of_use(self, age: float) -> bool:
        """Whether a listing that took heartbeats up to `age` for fresh tells what the next one would."""
        return self.listing_age / _MISJUDGED <= age <= self.listing_age * _MISJUDGED
