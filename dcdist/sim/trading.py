"""What does a host ask its peers for? Pieces that are rarest, each of one peer, of all peers that have some.

Claimed pieces are asked of nobody, preferred ones first. When nothing is left that is not asked for, a peer that is
idle shares the pieces of a slower one: the end game.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.model import pieces

if TYPE_CHECKING:
    import random

    from dcdist.model.pieces import Bits


_FIRST = 7
"""How many times as rare something must be to be asked for before what is wanted first."""


class Rarity:
    """How many hosts of a neighbourhood have each piece: sets of pieces that are about equally rare, rarest first."""

    def __init__(self, count: int, *, rng: random.Random) -> None:
        self._holders = [0] * count
        self._classes: list[Bits] = []
        self._rng = rng

    def gained(self, bits: Bits) -> None:
        """One more host has these pieces."""
        for piece in pieces.each(bits):
            before = self._holders[piece]
            self._holders[piece] = before + 1
            old, new = _class_of(before), _class_of(before + 1)
            if old == new:
                continue
            while len(self._classes) <= new:
                self._classes.append(0)
            if before:
                self._classes[old] ^= 1 << piece
            self._classes[new] ^= 1 << piece

    def pick(self, wanted: Bits, first: Bits = 0) -> int:
        """One of the rarest of `wanted`, which is not empty, by chance; of `first` before others.

        But what is more than seven times as rare comes before even those, as with libtorrent's priorities.
        """
        soon, later = wanted & first, wanted & ~first
        rank, found = self._rarest(soon or later)
        if soon and later:
            other, rarer = self._rarest(later)
            found = rarer if rank > _FIRST * other else found
        return pieces.nth(found, self._rng.randrange(found.bit_count()))

    def _rarest(self, wanted: Bits) -> tuple[int, Bits]:
        """The rarest of `wanted`, and how many have them, about."""
        for rank, rare in enumerate(self._classes):
            if wanted & rare:
                return rank, wanted & rare
        return len(self._classes), wanted


def _class_of(holders: int) -> int:
    return holders if holders < 8 else 4 + holders.bit_length()


@dataclass(slots=True)
class PeerLink:
    """From one peer: the pieces asked of it, in order, and bytes a second that it gave lately.

    `left`: bytes of them that are missing, if they are `counted`.
    """

    asked: deque[int] = field(default_factory=deque)
    rate: float = 0.0
    left: float = 0.0
    counted: bool = True


class Trader:
    """What one host has, what it asks of whom; `sizes` has the bytes of each piece, `every` all pieces there are.

    `first` are asked for before others; `claimed` and `put_off` are not asked for.
    """

    def __init__(self, sizes: list[int], every: Bits, have: Bits) -> None:
        self.have = have
        self.padded: Bits = 0
        self.claimed: Bits = 0
        self.first: Bits = 0
        self.put_off: Bits = 0
        self.links: dict[int, PeerLink] = {}
        self._sizes = sizes
        self._all = every
        self._pending: dict[int, float] = {}
        self._pending_bits: Bits = 0
        self._open: Bits = 0
        self._askers: dict[int, list[PeerLink]] = {}

    @property
    def complete(self) -> bool:
        """Whether all pieces are had."""
        return self.have == self._all

    @property
    def lacking(self) -> int:
        """Bytes that are not had (the last piece counts in full)."""
        return (self._all & ~self.have).bit_count() * max(self._sizes, default=0)

    @property
    def coming(self) -> Bits:
        """The pieces that peers are asked for now."""
        return self._pending_bits

    def begin_asking(self) -> None:
        """Peers are asked next, and nothing else changes until they were."""
        self._open = self._all & ~(self.have | self.claimed | self.put_off | self._pending_bits)

    def asked_of(self, link: PeerLink) -> float:
        """Bytes that a peer is asked for and that are still missing."""
        if link.counted:
            return link.left
        total = 0.0
        gone = False
        for piece in link.asked:
            left = self._pending.get(piece)
            if left is None:
                gone = True
            else:
                total += left
        if gone:
            link.asked = deque(piece for piece in link.asked if piece in self._pending)
        link.left, link.counted = total, True
        return total

    def ask(self, link: PeerLink, theirs: Bits, most: float, rarity: Rarity) -> float:
        """Ask a peer that has `theirs` for `most` bytes more, a little over if need be; bytes that are more now."""
        self.asked_of(link)
        total = 0.0
        choice = theirs & self._open
        while choice and total < most:
            piece = rarity.pick(choice, self.first)
            bit = 1 << piece
            choice ^= bit
            self._open ^= bit
            self._pending[piece] = self._sizes[piece]
            self._pending_bits |= bit
            self._askers[piece] = [link]
            link.asked.append(piece)
            total += self._sizes[piece]
        if not link.asked:
            choice = theirs & self._pending_bits
            if choice:
                piece = rarity.pick(choice)
                link.asked.append(piece)
                self._askers[piece].append(link)
                total += self._pending[piece]
        link.left += total
        return total

    def take(self, link: PeerLink, volume: float) -> tuple[Bits, float]:
        """A peer gave bytes: the pieces that are whole now, and the bytes that were of use."""
        asked = link.asked
        done = 0
        used = 0.0
        while asked and volume > used:
            piece = asked[0]
            left = self._pending.get(piece)
            if left is None:
                asked.popleft()
                continue
            for asker in self._askers[piece]:
                if asker is not link:
                    # What this one brings it need not.
                    asker.counted = False
            if volume - used < left - 1e-3:
                self._pending[piece] = left - (volume - used)
                used = volume
                break
            used += left
            asked.popleft()
            self.got(piece)
            done |= 1 << piece
        link.left -= used
        if not asked:
            link.left, link.counted = 0.0, True
        return done, min(used, volume)

    def got(self, piece: int) -> None:
        """A piece is whole."""
        bit = 1 << piece
        self.have |= bit
        if self._pending.pop(piece, None) is not None:
            self._pending_bits ^= bit
            for link in self._askers.pop(piece):
                link.counted = False

    def unlink(self, peer: int) -> None:
        """A peer is gone: what was asked of it is asked of others."""
        link = self.links.pop(peer, None)
        for piece in link.asked if link else ():
            if self._pending.pop(piece, None) is not None:
                self._pending_bits ^= 1 << piece
                for asker in self._askers.pop(piece):
                    asker.counted = False
