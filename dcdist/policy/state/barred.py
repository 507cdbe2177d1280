"""Which pieces does this host leave to peers for a while? Those that the store gave corrupt, or would not give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits


@dataclass(slots=True)
class _Bar:
    layer: int
    pieces: Bits
    until: float


class Barred:
    """Pieces that are not drawn until a time."""

    def __init__(self) -> None:
        self._bars: list[_Bar] = []

    def bar(self, layer: int, pieces: Bits, *, until: float) -> None:
        """Do not draw pieces of a layer before `until` (seconds; may be infinite)."""
        self._bars.append(_Bar(layer, pieces, until))

    def lift(self, *, now: float) -> None:
        """Forget what is over."""
        self._bars = [bar for bar in self._bars if now < bar.until]

    def drawable(self, layer: int, wanted: Bits) -> Bits:
        """Those of the `wanted` pieces of a layer that may be drawn."""
        for bar in self._bars:
            if bar.layer == layer:
                wanted &= ~bar.pieces
        return wanted
