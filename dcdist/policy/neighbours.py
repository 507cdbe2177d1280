"""Which hosts does a host deal with, and how often does it look for them? What it costs does not grow with the fleet.

It shares the stripes of its prefix with the 10 to 64 members of that prefix and links to all of them; and to a few
hosts of the prefixes that differ from its own in one digit, so that a fleet is one piece and not islands. Looks and
heartbeats become rarer as the fleet grows: the store answers a bounded number a second, however many hosts there are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model.identity import PREFIX_STEP, HostId, Prefix, prefix_of
from dcdist.policy.ownership import seed, weight

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcdist.model.member import Member

_MOST = 64
"""Members of a prefix, this host among them, beyond which it is divided by four."""

_FEWEST = 10
"""Members below which it is widened; well below a quarter of the most, or it would go back and forth."""

_FIRST_BITS = 6
"""Length of the first prefix that is looked at: a small fleet needs three more looks, a huge one is not listed."""

_ELSEWHERE = 8
"""Links to hosts of other prefixes."""

_FIRST_LOOKS = (0.3, 0.3, 0.4, 1.0, 1.0, 2.0, 3.0)
_LOOK = 5.0
_REFRESH = 12.0
_STALE_REFRESHES = 3.75

_FIRST_LOOKS_A_SECOND = 1000.0
_LOOKS_A_SECOND = 50.0
"""Listings that a whole fleet asks for each second, and as many heartbeats, when it is large."""


class Neighbours:
    """The prefix of one host, and whom it links to beyond."""

    def __init__(self, host: HostId) -> None:
        self._host = host
        self._bits = _FIRST_BITS
        self._count = 1

    @property
    def prefix(self) -> Prefix:
        """The prefix whose members share the work."""
        return Prefix.of(self._host, self._bits)

    @property
    def fleet(self) -> int:
        """Hosts in all, as far as the own prefix tells."""
        return self._count << self._bits

    def counted(self, others: int) -> bool:
        """The prefix was seen to hold so many others; whether it is of the right size. If not, it has changed."""
        self._count = others + 1
        if self._count > _MOST:
            self._bits += PREFIX_STEP
            return False
        if self._count < _FEWEST and self._bits:
            self._bits -= PREFIX_STEP
            return False
        return True

    def elsewhere(self) -> list[Prefix]:
        """The prefixes that differ from the own in one digit of two bits: to their members there are links as well."""
        mine = prefix_of(self._host, self._bits)
        return [
            Prefix(self._bits, mine ^ (change << shift))
            for shift in range(0, self._bits, PREFIX_STEP)
            for change in range(1, 1 << PREFIX_STEP)
        ][:_ELSEWHERE]

    def chosen(self, members: Iterable[Member]) -> list[Member]:
        """Those of another prefix that this host links to: no two hosts choose alike, and no look moves the choice."""
        own = seed(self._host)
        share = -(-_ELSEWHERE // max(1, len(self.elsewhere())))
        return sorted(members, key=lambda member: weight(own, seed(member.host)))[:share]

    def look_after(self, looks: int) -> float:
        """Seconds until the next listing, after so many: hosts that start together must find each other at once."""
        if looks < len(_FIRST_LOOKS):
            return max(_FIRST_LOOKS[looks], self.fleet / _FIRST_LOOKS_A_SECOND)
        return max(_LOOK, self.fleet / _LOOKS_A_SECOND)

    @property
    def refresh(self) -> float:
        """Seconds between two heartbeats that say the same."""
        return max(_REFRESH, self.fleet / _LOOKS_A_SECOND)

    @property
    def stale_after(self) -> float:
        """Age in seconds from which a heartbeat counts for nothing."""
        return self.refresh * _STALE_REFRESHES
