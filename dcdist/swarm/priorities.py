"""The priority of each piece in a torrent: which pieces peers are asked for, and in which order. Pure.

Invariant: a reserved piece is asked of no peer, preferred or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model.pieces import span

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits

NOT_WANTED = 0
LATER = 1
WANTED = 4
FIRST = 7
"""libtorrent's priorities. It weighs them with rarity: a piece at 7 comes before one up to seven times rarer at 1."""


class Priorities:
    """The reserved and the preferred pieces of a torrent with `piece_count` pieces. At first every piece is WANTED."""

    def __init__(self, piece_count: int) -> None:
        self._all = span(0, piece_count)
        self._reserved: Bits = 0
        self._preferred: Bits = 0
        self._usual = WANTED

    def of(self, piece: int) -> int:
        """The priority of a piece, 0 to 7."""
        if self._reserved >> piece & 1:
            return NOT_WANTED
        return FIRST if self._preferred >> piece & 1 else self._usual

    def reserve(self, pieces: Bits) -> None:
        """Ask no peer for these."""
        self._reserved |= pieces

    def release(self, pieces: Bits) -> None:
        """Ask peers for these again."""
        self._reserved &= ~pieces

    def prefer(self, pieces: Bits, *, others: bool) -> Bits:
        """Ask peers for these first, and for the others only if `others`. Returns the pieces whose priority changes."""
        usual = LATER if others else NOT_WANTED
        if pieces == 0 and others:
            usual = WANTED
        changed = self._preferred ^ pieces if usual == self._usual else self._all
        self._preferred, self._usual = pieces, usual
        return changed
