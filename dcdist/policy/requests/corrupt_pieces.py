"""Pieces that failed their check: when the store is asked for one again, and which peers are not left to bring.

Invariant: however often a piece is wrong, it is asked for again after a pause, until its source had long enough to
become right; then it is known that this source never will be.
"""

from __future__ import annotations

from collections import Counter

_PAUSES = (0.0, 0.05, 0.15, 0.3, 0.5)
"""Before the second and each further request for a piece from the store, as shares of the patience; together one."""

_MOST_FROM_PEERS = 2
"""How often a piece from peers may be wrong before it is drawn: whoever spoils it may come back again and again."""


class Spoiled:
    """Counts, by layer and piece."""

    def __init__(self, patience: float) -> None:
        """`patience`: seconds for which the store is asked for a piece that it gives wrong."""
        self._patience = patience
        self._drawn: Counter[tuple[int, int]] = Counter()
        self._traded: Counter[tuple[int, int]] = Counter()

    def drawn(self, layer: int, piece: int) -> float:
        """The store gave a piece wrong: seconds for which it is not asked for it; infinite if it never should be."""
        self._drawn[layer, piece] += 1
        count = self._drawn[layer, piece]
        return _PAUSES[count - 1] * self._patience if count <= len(_PAUSES) else float("inf")

    def traded(self, layer: int, piece: int) -> bool:
        """Peers gave a piece wrong; whether it should not be left to them any more."""
        self._traded[layer, piece] += 1
        return self._traded[layer, piece] >= _MOST_FROM_PEERS
