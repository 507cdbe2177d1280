"""Whose turn is it to draw a stripe? Rendezvous hashing with equal shares deals the stripes to the members.

Every host computes the same owners from the same members, so that a cold release leaves the store about once without a
word between the hosts. The heaviest are assigned first, and a member that has its share gets no more: no host is left
with twice the work of another. At scale a stripe is dealt among the members of its prefix only.

Invariants: each stripe of the prefix has one owner; no member owns more than its share, the stripes over the members,
rounded up; `rank(stripe)` is 0 for the owner, and for the other members 1, 2, ... by their weights. A deal costs
O(stripes x members) of the prefix, and is made when it is first asked for after a change.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dcdist.model.identity import PREFIX_STEP, prefix_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.model.identity import HostId, LayerName

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_PREFIX_SEED = 0x5851F42D4C957F2D


def seed(text: str) -> int:
    """64 well-mixed bits of a name."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def weight(host_seed: int, stripe_seed: int) -> int:
    """The weight of a host for a stripe: 64 bits, uniformly distributed (the finalizer of SplitMix64)."""
    mixed = (host_seed ^ stripe_seed) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


class Ownership:
    """The members of one layer and their weights for its stripes, as `host` sees them."""

    def __init__(self, layer: LayerName, stripe_count: int, host: HostId, *, in_order: bool = False) -> None:
        """`in_order`: this host will never know another, and begins at the front."""
        base = seed(layer)
        self._in_order = in_order
        self._count = stripe_count
        self._stripes = [(base + stripe * _GOLDEN) & _MASK for stripe in range(stripe_count)]
        self._host = host
        self._bits = 0
        self._group: Sequence[int] = range(stripe_count)
        self._members = {host: self._weigh(host)}
        self._owners: dict[int, HostId] = {}
        self._ranks: dict[int, int] = {}
        self._rounds: dict[HostId, list[int]] = {}
        self._dealt = False

    @property
    def bits(self) -> int:
        """The length of the prefix whose stripes are dealt."""
        return self._bits

    @property
    def group(self) -> Sequence[int]:
        """The stripes of the prefix, in rising order."""
        return self._group

    @property
    def divided(self) -> bool:
        """Whether there are stripes that other prefixes deal among their members."""
        return self._bits > 0

    @property
    def alone(self) -> bool:
        """Whether this host is the only member."""
        return self.count == 1

    @property
    def count(self) -> int:
        """Members, this host among them."""
        return len(self._members)

    def join(self, host: HostId) -> bool:
        """Count a member in; whether that changed anything."""
        if host in self._members:
            return False
        self._members[host] = []
        self._dealt = False
        return True

    def leave(self, host: HostId) -> bool:
        """Count a member out; whether that changed anything."""
        if host == self._host or host not in self._members:
            return False
        del self._members[host]
        self._dealt = False
        return True

    def narrow(self, bits: int) -> bool:
        """Deal only the stripes whose first `bits` bits are those of this host; whether that changed anything."""
        if bits == self._bits:
            return False
        self._bits = bits
        mine = prefix_of(self._host, bits)
        self._group = [stripe for stripe in range(self._count) if self._prefix_of_stripe(stripe) == mine]
        self._members = {host: [] for host in self._members}
        self._members[self._host] = self._weigh(self._host)
        self._dealt = False
        return True

    def covers(self, stripe: int) -> bool:
        """Whether the stripe is dealt among the members of this host's prefix."""
        self._deal_if_changed()
        return stripe in self._owners

    def rank(self, stripe: int) -> int:
        """How many members come before this host; 0 is the owner. After all for a stripe of another prefix."""
        self._deal_if_changed()
        return self._ranks.get(stripe, len(self._members))

    def owner(self, stripe: int) -> HostId | None:
        """The member whose turn it is; None for a stripe of another prefix."""
        self._deal_if_changed()
        return self._owners.get(stripe)

    def start_of(self, host: HostId) -> int:
        """The stripe at which a member begins its round: all know it, and it differs from host to host."""
        return 0 if self._in_order else weight(seed(host), _GOLDEN) % self._count

    def round_of(self, host: HostId) -> Sequence[int]:
        """The stripes that a member owns, in the order in which it draws them."""
        self._deal_if_changed()
        return self._rounds.get(host, ())

    def adoption_place(self, stripe: int) -> int:
        """How many turns this host leaves to others before it adopts a stripe of another prefix.

        Ten for each digit that the prefixes do not share, and one for each member of the own that comes before.
        """
        stripe_seed = self._stripes[stripe]
        differ = self._prefix_of_stripe(stripe) ^ prefix_of(self._host, self._bits)
        digits = -(-differ.bit_length() // PREFIX_STEP)
        own = weight(seed(self._host), stripe_seed)
        return 10 * digits + sum(weight(seed(host), stripe_seed) > own for host in self._members)

    def _prefix_of_stripe(self, stripe: int) -> int:
        return weight(_PREFIX_SEED, self._stripes[stripe]) >> (64 - self._bits) if self._bits else 0

    def _weigh(self, host: HostId) -> list[int]:
        host_seed = seed(host)
        return [weight(host_seed, self._stripes[stripe]) for stripe in self._group]

    def _deal_if_changed(self) -> None:
        if not self._dealt:
            self._deal()
            self._dealt = True

    def _deal(self) -> None:
        for host, weights in self._members.items():
            if not weights:
                self._members[host] = self._weigh(host)
        hosts = sorted(self._members)
        own = self._members[self._host]
        rows = list(zip(*(self._members[host] for host in hosts), strict=True))
        share = dict.fromkeys(hosts, -(-len(rows) // len(hosts)))
        self._owners, self._ranks = {}, {}
        for place in sorted(range(len(rows)), key=lambda each: max(rows[each]), reverse=True):
            row, stripe = rows[place], self._group[place]
            owner = hosts[row.index(max(row))]
            if not share[owner]:
                owner = next(host for _, host in sorted(zip(row, hosts, strict=True), reverse=True) if share[host])
            share[owner] -= 1
            self._owners[stripe] = owner
            before = sum(theirs > own[place] for theirs in row)
            lighter_owner = self._members[owner][place] < own[place]
            self._ranks[stripe] = 0 if owner == self._host else before + lighter_owner
        self._rounds = {host: [] for host in hosts}
        for stripe in self._group:
            self._rounds[self._owners[stripe]].append(stripe)
        for host, listed in self._rounds.items():
            start = self.start_of(host)
            self._rounds[host] = [each for each in listed if each >= start] + [each for each in listed if each < start]
