"""The pieces of all layers of a release under one numbering, so that a set of them is one integer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model import pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.geometry import Geometry
    from dcdist.model.pieces import Bits


class Numbering:
    """`starts`: the number of the first piece of each layer; `sizes`: the bytes of each piece."""

    def __init__(self, layers: tuple[Geometry, ...]) -> None:
        self.layers = layers
        self.starts: list[int] = []
        self.sizes: list[int] = []
        for geometry in layers:
            self.starts.append(len(self.sizes))
            self.sizes += [geometry.piece_size(piece) for piece in range(geometry.piece_count)]
        self._masks = [pieces.span(0, geometry.piece_count) for geometry in layers]

    @property
    def count(self) -> int:
        """Pieces in all."""
        return len(self.sizes)

    def of_layer(self, bits: Bits, layer: int) -> Bits:
        """Those of a layer, by their number within it."""
        return bits >> self.starts[layer] & self._masks[layer]

    def layers_with(self, bits: Bits) -> Iterator[int]:
        """The layers that have one of these pieces."""
        if bits:
            for layer in range(len(self.layers)):
                if self.of_layer(bits, layer):
                    yield layer

    def whole_layers(self, layers: Bits) -> Bits:
        """All pieces of these layers."""
        bits = 0
        for layer in pieces.each(layers):
            bits |= self._masks[layer] << self.starts[layer]
        return bits
