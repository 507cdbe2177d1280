"""What does a host ask its peers for? Pieces that are rarest, each of one peer, of all peers that have some.

Claimed pieces are asked of nobody. When nothing is left that is not asked for, a peer that is idle shares the pieces
of a slower one: the end game.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from dcdist.model.pieces import Bits


class Rarity:
    """How many hosts have each piece, as sets of pieces that are about equally rare, rarest first."""

    def __init__(self, count: int, *, rng: random.Random) -> None:
        self._holders = [0] * count
        self._classes: list[Bits] = []
        self._count = count
        self._rng = rng

    def gained(self, piece: int, hosts: int = 1) -> None:
        """So many more hosts have a piece."""
        before = self._holders[piece]
        after = self._holders[piece] = before + hosts
        old, new = _class_of(before), _class_of(after)
        if old == new:
            return
        while len(self._classes) <= new:
            self._classes.append(0)
        if before:
            self._classes[old] ^= 1 << piece
        self._classes[new] ^= 1 << piece

    def pick(self, wanted: Bits) -> int:
        """One of the rarest of `wanted`, which is not empty, by chance."""
        for rare in self._classes:
            found = wanted & rare
            if found:
                break
        else:
            found = wanted
        shift = self._rng.randrange(self._count)
        above = found >> shift
        if above:
            return shift + (above & -above).bit_length() - 1
        return (found & -found).bit_length() - 1


def _class_of(holders: int) -> int:
    return holders if holders < 8 else 4 + holders.bit_length()


@dataclass(slots=True)
class Link:
    """From one peer: the pieces asked of it, in order, and bytes a second that it gave lately."""

    asked: deque[int] = field(default_factory=deque)
    rate: float = 0.0


class Trader:
    """What one host has, what it asks of whom; `sizes` has the bytes of each piece."""

    def __init__(self, sizes: list[int], have: Bits) -> None:
        self.have = have
        self.claimed: Bits = 0
        self.links: dict[int, Link] = {}
        self._sizes = sizes
        self._all = (1 << len(sizes)) - 1
        self._pending: dict[int, float] = {}
        self._pending_bits: Bits = 0

    @property
    def complete(self) -> bool:
        """Whether all pieces are had."""
        return self.have == self._all

    @property
    def wanted(self) -> Bits:
        """Missing pieces that are neither claimed nor asked for."""
        return self._all & ~(self.have | self.claimed | self._pending_bits)

    def ask(self, peer: int, theirs: Bits, ahead: float, rarity: Rarity) -> float:
        """Ask a peer for pieces until `ahead` bytes are; bytes that it has been asked for."""
        link = self.links[peer]
        asked = link.asked
        total = 0.0
        gone = False
        for piece in asked:
            left = self._pending.get(piece)
            if left is None:
                gone = True
            else:
                total += left
        if gone:
            link.asked = asked = deque(piece for piece in asked if piece in self._pending)
        if total >= ahead:
            return total
        choice = theirs & self.wanted
        while choice and total < ahead:
            piece = rarity.pick(choice)
            choice ^= 1 << piece
            self._pending[piece] = self._sizes[piece]
            self._pending_bits |= 1 << piece
            asked.append(piece)
            total += self._sizes[piece]
        if not asked:
            choice = theirs & self._pending_bits
            if choice:
                piece = rarity.pick(choice)
                asked.append(piece)
                total += self._pending[piece]
        return total

    def take(self, peer: int, volume: float) -> tuple[list[int], float]:
        """A peer gave bytes: the pieces that are whole now, and the bytes that were of use."""
        asked = self.links[peer].asked
        done = []
        used = 0.0
        while asked and volume > used:
            piece = asked[0]
            left = self._pending.get(piece)
            if left is None:
                asked.popleft()
                continue
            if volume - used < left - 1e-3:
                self._pending[piece] = left - (volume - used)
                used = volume
                break
            used += left
            asked.popleft()
            self.got(piece)
            done.append(piece)
        return done, min(used, volume)

    def got(self, piece: int) -> None:
        """A piece is whole."""
        self.have |= 1 << piece
        self._pending_bits &= ~(1 << piece)
        self._pending.pop(piece, None)

    def unlink(self, peer: int) -> None:
        """A peer is gone: what was asked of it is asked of others."""
        link = self.links.pop(peer, None)
        for piece in link.asked if link else ():
            if self._pending.pop(piece, None) is not None:
                self._pending_bits &= ~(1 << piece)
