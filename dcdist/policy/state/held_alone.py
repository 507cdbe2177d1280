"""Which pieces has one peer alone held for so long that its link must be what holds them up?"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits

_LONG = 2.0
"""Seconds that a piece must have been with one peer alone: what is rare is asked for first, and spreads by then."""


class HeldAlone:
    """The looks at the peers of one layer, and which pieces one of them alone had; each holds until the next."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, Bits]] = deque()

    def seen(self, single: Bits, *, now: float) -> None:
        """These pieces are held by one peer each."""
        self._looks.append((now, single))
        while len(self._looks) > 1 and self._looks[1][0] <= now - _LONG:
            self._looks.popleft()

    def long(self, *, now: float) -> Bits:
        """The pieces that are in all looks which held during the last `_LONG` seconds; none if that is too early."""
        found = -1
        for position, (_, single) in enumerate(self._looks):
            last = position + 1 == len(self._looks)
            if last or self._looks[position + 1][0] > now - _LONG:
                found &= single
        return found if self._looks and self._looks[0][0] <= now - _LONG else 0
