"""What one fetch brings: images with their extents, layers with their indexes and with the places of their frames.

Invariant: a layer has one number in a fetch, its place among all layers of the release.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.engine.placements import LayerPlacements, turn_around

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcdist.model.extent import Extents
    from dcdist.model.identity import LayerName
    from dcdist.model.layer import Index
    from dcdist.model.release import Image, LayerEntry, Release


@dataclass(frozen=True, slots=True)
class PlannedImage:
    """One image to build; `extents` say where its bytes come from."""

    image: Image
    extents: Extents


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    """One layer to bring. `number` counts all layers of the release; `placements` are in the images of the plan."""

    number: int
    entry: LayerEntry
    index: Index
    placements: LayerPlacements


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """The images of a fetch in start order, and its layers in the order of the release.

    `needed`: the layers to bring, those of its images, or all for a seeder. Others of the release, which this host
    holds, may be among its layers, to be given to others.
    """

    images: tuple[PlannedImage, ...]
    layers: tuple[PlannedLayer, ...]
    needed: frozenset[LayerName]

    @property
    def layer_bytes(self) -> int:
        """Bytes of all its layers."""
        return sum(layer.entry.length for layer in self.layers)

    @property
    def needed_bytes(self) -> int:
        """Bytes of the layers to bring."""
        return sum(layer.entry.length for layer in self.layers if layer.entry.name in self.needed)


def plan_images(release: Release, images: Sequence[PlannedImage], indexes: Mapping[LayerName, Index]) -> FetchPlan:
    """The plan for these images; `indexes` has the index of each layer of the plan. Blocks for a while.

    Raises:
        FormatError: An extent lies outside of its layer.
    """
    tables = {name: index.frames for name, index in indexes.items()}
    placements = turn_around([each.extents for each in images], tables)
    needed = frozenset(name for each in images for name in each.extents.layers)
    return FetchPlan(tuple(images), _layers(release, indexes, placements), needed)


def plan_layers(release: Release, indexes: Mapping[LayerName, Index]) -> FetchPlan:
    """The plan that brings the layers of `indexes` and no image."""
    nowhere = {name: LayerPlacements([0] * len(index.frames)) for name, index in indexes.items()}
    return FetchPlan((), _layers(release, indexes, nowhere), frozenset(indexes))


def _layers(
    release: Release, indexes: Mapping[LayerName, Index], placements: Mapping[LayerName, LayerPlacements]
) -> tuple[PlannedLayer, ...]:
    return tuple(
        PlannedLayer(number, entry, indexes[entry.name], placements[entry.name])
        for number, entry in enumerate(release.layers)
        if entry.name in indexes
    )
