"""Which objects of a store a release needs. Whoever deletes, copies or checks releases stands on this. Pure.

Invariant: the references of a release are all that a host and a publisher ever read of it, each once. They come in an
order in which they can be written: the manifest, which makes the release visible, is the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from dcdist.formats import object_names
from dcdist.model.geometry import Geometry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dcdist.model.identity import Digest
    from dcdist.model.layer import Index
    from dcdist.model.release import LayerEntry, Release


class ObjectKind(StrEnum):
    """What an object of a release is."""

    SEGMENT = "segment"
    CHUNKS = "chunks"
    INDEX = "index"
    EXTENTS = "extents"
    MANIFEST = "manifest"


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that a release needs: `length` in bytes and `digest`, its SHA-256, as far as they are promised."""

    key: str
    kind: ObjectKind
    length: int | None = None
    digest: Digest | None = None


def layer_references(entry: LayerEntry, index: Index | None = None) -> tuple[Reference, ...]:
    """The objects of one layer, its index last; only `index` promises the SHA-256 of the chunk list."""
    geometry = Geometry.for_length(entry.length)
    return (
        *(
            Reference(object_names.layer_segment(entry.name, number), ObjectKind.SEGMENT, geometry.segment_size(number))
            for number in range(geometry.segment_count)
        ),
        Reference(
            object_names.layer_chunks(entry.name), ObjectKind.CHUNKS, digest=index.chunks_digest if index else None
        ),
        Reference(object_names.layer_index(entry.name), ObjectKind.INDEX, digest=entry.index),
    )


def release_references(release: Release) -> tuple[Reference, ...]:
    """All objects of one release: its layers, the extents of its images, its manifest."""
    return _once((release,))


def references(releases: Iterable[Release]) -> frozenset[str]:
    """The keys of all objects that at least one of `releases` needs: what nobody may delete."""
    return frozenset(each.key for each in _once(releases))


def _once(releases: Iterable[Release]) -> tuple[Reference, ...]:
    # A dict keeps the order. Two images with the same content have one extents object.
    return tuple({each.key: each for release in releases for each in _of(release)}.values())


def _of(release: Release) -> Iterator[Reference]:
    for entry in release.layers:
        yield from layer_references(entry)
    for image in release.images:
        yield Reference(object_names.image_extents(image.extents), ObjectKind.EXTENTS, digest=image.extents)
    yield Reference(object_names.release(release.name), ObjectKind.MANIFEST)
