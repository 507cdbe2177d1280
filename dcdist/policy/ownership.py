"""Whose turn is it to draw a stripe? Rendezvous hashing ranks the members for each stripe.

Every host computes the same ranks from the same members, so that a cold release leaves the store about once without a
word between the hosts. A host that joins or leaves moves only the stripes that it wins or held.

Invariants: `rank(stripe)` is the number of other members whose weight for the stripe is greater than this host's;
`owner(stripe)` is the member with the greatest. Each change costs O(stripes), or O(stripes x members) for those that a
leaving owner held.
"""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.identity import HostId, LayerName

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def seed(text: str) -> int:
    """64 well-mixed bits of a name."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def weight(host_seed: int, stripe_seed: int) -> int:
    """The claim of a host on a stripe: 64 bits, uniformly distributed (the finalizer of SplitMix64)."""
    mixed = (host_seed ^ stripe_seed) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


class Ownership:
    """The members of one layer and their claims on its stripes."""

    def __init__(self, layer: LayerName, stripe_count: int, host: HostId, *, in_order: bool = False) -> None:
        """`in_order`: this host will never know another, and begins at the front."""
        base = seed(layer)
        self._in_order = in_order
        self._count = stripe_count
        self._stripes = [(base + stripe * _GOLDEN) & _MASK for stripe in range(stripe_count)]
        self._host = host
        self._seeds = {host: seed(host)}
        self._own = [weight(self._seeds[host], stripe) for stripe in self._stripes]
        self._ranks = array("H", bytes(2 * stripe_count))
        self._best = list(self._own)
        self._owners = [host] * stripe_count

    @property
    def alone(self) -> bool:
        """Whether this host is the only member."""
        return len(self._seeds) == 1

    def join(self, host: HostId) -> bool:
        """Count a member in; whether that changed anything."""
        if host in self._seeds:
            return False
        host_seed = self._seeds[host] = seed(host)
        for number, stripe in enumerate(self._stripes):
            claim = weight(host_seed, stripe)
            if claim > self._own[number]:
                self._ranks[number] += 1
            if claim > self._best[number]:
                self._best[number], self._owners[number] = claim, host
        return True

    def leave(self, host: HostId) -> bool:
        """Count a member out; whether that changed anything."""
        if host == self._host or host not in self._seeds:
            return False
        host_seed = self._seeds.pop(host)
        for number, stripe in enumerate(self._stripes):
            if weight(host_seed, stripe) > self._own[number]:
                self._ranks[number] -= 1
            if self._owners[number] == host:
                self._best[number], self._owners[number] = max(
                    (weight(each_seed, stripe), each) for each, each_seed in self._seeds.items()
                )
        return True

    def rank(self, stripe: int) -> int:
        """How many members come before this host; 0 is the owner."""
        return self._ranks[stripe]

    def owner(self, stripe: int) -> HostId:
        """The member whose turn it is."""
        return self._owners[stripe]

    def start_of(self, host: HostId) -> int:
        """The stripe at which a member begins its round: all know it, and it differs from host to host."""
        return 0 if self._in_order else weight(self._seeds[host], _GOLDEN) % self._count

    def round_of(self, host: HostId) -> Iterator[int]:
        """The stripes that a member owns, in the order in which it draws them."""
        start = self.start_of(host)
        for step in range(self._count):
            stripe = (start + step) % self._count
            if self._owners[stripe] == host:
                yield stripe
