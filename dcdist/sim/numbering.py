"""The pieces of all layers of a release under one numbering, so that a set of them is one integer.

In a fleet of cohorts each prefix of hosts has its own stripes and is otherwise like any other. There the numbering puts
the stripes of a prefix in step with those of the others, so that what a host of another prefix holds is what its
counterpart in the simulated prefix holds, with the prefixes exchanged: `translate`.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.model.identity import PREFIX_STEP, HostId
from dcdist.policy.state.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.geometry import Geometry
    from dcdist.model.identity import LayerName
    from dcdist.model.pieces import Bits

_Stripe = tuple[int, int]


class Numbering:
    """`sizes`: the bytes of each piece by its number, 0 where there is none; `all`: the numbers that are pieces."""

    def __init__(self, layers: tuple[Geometry, ...], names: tuple[LayerName, ...] = (), *, bits: int = 0) -> None:
        """`bits`: length of the prefixes that are cohorts (0: none are).

        Raises:
            ValueError: There is a prefix without a stripe.
        """
        self.layers = layers
        self.cohorts = 1 << bits
        groups = _groups(layers, names, bits)
        if not all(groups):
            raise ValueError(f"{self.cohorts} prefixes are too many for this release: one has no stripe")
        self.prefix = _typical(groups)
        groups = [groups[self.prefix ^ shift] for shift in range(self.cohorts)]
        self._width = max(geometry.pieces_per_stripe for geometry in layers)
        rounds = max(len(group) for group in groups)
        self.sizes = [0] * (rounds * self.cohorts * self._width)
        self._own_rounds = len(groups[0])
        self._layer_of = [0] * len(self.sizes)
        self._piece_of = [0] * len(self.sizes)
        self._numbers: list[list[int]] = [[0] * geometry.piece_count for geometry in layers]
        self._padding: dict[int, Bits] = {}
        for cohort, group in enumerate(groups):
            for place, stripe in enumerate(group):
                self._lay(stripe, place * self.cohorts + cohort)
        for place in range(rounds):
            for cohort in range(self.cohorts):
                if place >= len(groups[cohort]):
                    self._stand_in(place * self.cohorts + cohort, _stand_in(groups, place, cohort))
        self.all = pieces.of(number for number, size in enumerate(self.sizes) if size)
        self._before = [0, *accumulate(self.sizes)]
        self._halves = [self._half((1 << bit) * self._width) for bit in range(bits)]

    def _lay(self, stripe: _Stripe, slot: int) -> None:
        """Give a stripe a slot of numbers; what a shorter one leaves empty stands for its last piece."""
        layer, number = stripe
        span = self.layers[layer].stripe_pieces(number)
        first = slot * self._width
        for at, piece in enumerate(span, start=first):
            self._numbers[layer][piece] = at
            self._layer_of[at], self._piece_of[at] = layer, piece
            self.sizes[at] = self.layers[layer].piece_size(piece)
        for at in range(first + len(span), first + self._width):
            self._pad(first + len(span) - 1, at)

    def _stand_in(self, slot: int, stripe: _Stripe) -> None:
        """A stripe stands for the one that is missing in a slot."""
        layer, number = stripe
        span = self.layers[layer].stripe_pieces(number)
        for offset in range(self._width):
            piece = span[min(offset, len(span) - 1)]
            self._pad(self._numbers[layer][piece], slot * self._width + offset)

    def _pad(self, real: int, at: int) -> None:
        if self.cohorts > 1:
            self._padding[real] = self._padding.get(real, 1 << real) | 1 << at

    def _half(self, step: int) -> Bits:
        """The numbers of every other run of `step`."""
        half, length = pieces.span(0, step), 2 * step
        while length < len(self.sizes):
            half |= half << length
            length *= 2
        return half & pieces.span(0, len(self.sizes))

    @property
    def own_part(self) -> float:
        """The part of the release's bytes that the simulated prefix has to draw."""
        step = self.cohorts * self._width
        own = sum(sum(self.sizes[at : at + self._width]) for at in range(0, len(self.sizes), step))
        return own / self._before[-1]

    @property
    def count(self) -> int:
        """Numbers in all."""
        return len(self.sizes)

    def padded(self, number: int) -> Bits:
        """A piece, and the numbers that stand for it where others have one more."""
        return self._padding.get(number, 1 << number)

    def canonical(self, bits: Bits) -> Bits:
        """The pieces of the simulated prefix whose counterparts these are.

        What a host drew of another prefix, its counterpart there drew of this one.
        """
        if self.cohorts == 1:
            return bits
        return pieces.of(self._canonical(number) for number in pieces.each(bits))

    def _canonical(self, number: int) -> int:
        slot, offset = divmod(number, self._width)
        return slot // self.cohorts % self._own_rounds * self.cohorts * self._width + offset

    def translate(self, padded: Bits, shift: int) -> Bits:
        """What a host has whose counterpart in the simulated prefix has `padded`; `shift`: its prefix XOR that one."""
        if not shift:
            return padded & self.all
        for bit, half in enumerate(self._halves):
            if shift >> bit & 1:
                step = (1 << bit) * self._width
                padded = (padded & half) << step | (padded >> step) & half
        return padded & self.all

    def numbers(self, layer: int, first: int, stop: int) -> list[int]:
        """The numbers of pieces of a layer."""
        return self._numbers[layer][first:stop]

    def front(self, have: Bits) -> int:
        """Bytes of the release before the first that is not among these pieces; without cohorts."""
        missing = self.all & ~have
        return self._before[(missing & -missing).bit_length() - 1] if missing else self._before[-1]

    def by_layer(self, bits: Bits) -> Iterator[tuple[int, Bits]]:
        """The same pieces layer by layer, as each numbers them; layers that have none are left out."""
        found: dict[int, list[int]] = {}
        for number in pieces.each(bits):
            found.setdefault(self._layer_of[number], []).append(self._piece_of[number])
        for layer in sorted(found):
            yield layer, pieces.of(found[layer])

    def whole_layers(self, layers: Bits) -> Bits:
        """All pieces of these layers."""
        return pieces.of(number for layer in pieces.each(layers) for number in self._numbers[layer])


def _groups(layers: tuple[Geometry, ...], names: tuple[LayerName, ...], bits: int) -> list[list[_Stripe]]:
    """The stripes of each prefix, in order."""
    every = [(layer, stripe) for layer, geometry in enumerate(layers) for stripe in range(geometry.stripe_count)]
    if not bits:
        return [every]
    groups = []
    for prefix in range(1 << bits):
        host = HostId(f"{prefix << (128 - bits):032x}")
        deals = [Ownership(name, each.stripe_count, host) for name, each in zip(names, layers, strict=True)]
        for deal in deals:
            deal.narrow(bits)
        groups.append([(layer, stripe) for layer, deal in enumerate(deals) for stripe in deal.group])
    return groups


def _typical(groups: list[list[_Stripe]]) -> int:
    """The prefix with the most nearly average number of stripes, which stands best for the others."""
    stripes = sum(len(group) for group in groups)
    return min(range(len(groups)), key=lambda prefix: abs(len(groups[prefix]) * len(groups) - stripes))


def _stand_in(groups: list[list[_Stripe]], place: int, cohort: int) -> _Stripe:
    """The stripe that stands for the one that a prefix lacks in this place, where others have one.

    Beyond the places of the simulated prefix that begins again with its first. Within them it is what another prefix
    has there, for that was drawn; one that differs in as many digits at most, or two might wait for each other.
    """
    place %= len(groups[0])
    if place < len(groups[cohort]):
        return groups[cohort][place]
    others = [other for other in range(1, len(groups)) if place < len(groups[other])]
    lenders = [other for other in others if _digits(other) <= _digits(cohort)]
    lender = min(lenders, key=lambda other: (-_digits(other), other ^ cohort), default=0)
    return groups[lender][place]


def _digits(shift: int) -> int:
    """In how many digits two prefixes differ."""
    return sum(bool(shift >> at & (1 << PREFIX_STEP) - 1) for at in range(0, shift.bit_length(), PREFIX_STEP))
