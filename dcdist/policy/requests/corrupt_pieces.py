"""Corrupt pieces: when is the store asked for one again, and which are not left to peers to bring?

Invariant: however often a piece is corrupt, it is asked for again after a pause, until its source had long enough to
become right; then it is known that this source never will be.
"""

from __future__ import annotations

from collections import Counter

_PAUSES = (0.0, 0.05, 0.15, 0.3, 0.5)
"""Before the second and each further request for a piece from the store, as shares of the patience; together one."""

_MOST_FROM_PEERS = 2
"""How often a piece from peers may be corrupt before it is drawn: a bad peer may come back again and again."""


class CorruptPieces:
    """Counts, by layer and piece."""

    def __init__(self, patience: float) -> None:
        """`patience`: seconds for which the store is asked for a piece that it gives corrupt."""
        self._patience = patience
        self._from_store: Counter[tuple[int, int]] = Counter()
        self._from_peers: Counter[tuple[int, int]] = Counter()

    def from_store(self, layer: int, piece: int) -> float:
        """The store gave a piece corrupt: seconds for which it is not asked for it; infinite if it never should be."""
        self._from_store[layer, piece] += 1
        count = self._from_store[layer, piece]
        return _PAUSES[count - 1] * self._patience if count <= len(_PAUSES) else float("inf")

    def from_peers(self, layer: int, piece: int) -> bool:
        """Peers gave a piece corrupt; whether it should not be left to them any more."""
        self._from_peers[layer, piece] += 1
        return self._from_peers[layer, piece] >= _MOST_FROM_PEERS
