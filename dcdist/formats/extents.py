"""An image's extents, at `images/HASH`: columns of sources, starts and lengths.

Invariant: decoded extents add up to the image's size, and each names a layer that the object lists. A start is written
as its distance from the end of the previous extent of the same layer: mostly zero, which compresses well.
"""

from __future__ import annotations

from array import array
from operator import add, gt
from typing import TYPE_CHECKING, Final

from dcdist.errors import FormatError, InvariantError
from dcdist.formats import columns, envelope, object_names
from dcdist.model.extent import ZEROS, Extents
from dcdist.model.geometry import MIB
from dcdist.model.identity import LayerName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.formats.fields import Fields
    from dcdist.model.release import Image

COUNT_LIMIT: Final = 1 << 22
"""The most extents of one image."""

LAYERS_LIMIT: Final = 64
"""The most layers of an image, or of a release."""

EXTENTS_LIMIT: Final = 80 * MIB
"""The most bytes of an extents object, and of its map."""

IMAGE_LIMIT: Final = 1 << 50
"""The most bytes of one image."""

_KIND: Final = envelope.Kind("dcdist-extents", 1, EXTENTS_LIMIT)
_NAME_BYTES: Final = 16
_OFFSET_LIMIT: Final = 1 << 63

digest = envelope.digest


def encode(extents: Extents) -> bytes:
    """The extents object."""
    if not len(extents.sources) == len(extents.starts) == len(extents.lengths) <= COUNT_LIMIT:
        raise InvariantError("the columns of extents differ in length, or are too long")
    if sum(extents.lengths) != extents.size or len(extents.layers) > LAYERS_LIMIT:
        raise InvariantError("extents do not add up to their image, or name too many layers")
    body = {
        "size": extents.size,
        "layers": b"".join(bytes.fromhex(layer) for layer in extents.layers),
        "sources": columns.write(array("H", extents.sources)),
        "starts": columns.write(_distances(extents)),
        "lengths": columns.write(array("Q", extents.lengths)),
    }
    return envelope.encode(_KIND, body)


def decode(data: bytes, image: Image) -> Extents:
    """The extents of `image`; takes 0.3 s a million. The caller has the layers' indexes and calls `check_within`.

    Raises:
        IntegrityError: Its SHA-256 is not the one in the manifest.
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read, or its parts do not fit together.
    """
    what = f"the extents of image {image.name}"
    envelope.require_digest(data, image.extents, what=what, source=object_names.image_extents(image.extents))
    fields = envelope.decode(_KIND, data, what=what)
    size = fields.integer("size", high=IMAGE_LIMIT)
    if size != image.size:
        raise fields.refuse(f"they are for {size} bytes, but the manifest says {image.size}")
    layers = _layers(fields)
    sources = fields.column("sources", "H", limit=COUNT_LIMIT)
    lengths = fields.column("lengths", "Q", limit=COUNT_LIMIT)
    distances = fields.column("starts", "q", limit=COUNT_LIMIT)
    if not len(sources) == len(distances) == len(lengths):
        raise fields.refuse("its columns differ in length")
    if sum(lengths) != size or min(lengths, default=1) == 0:
        raise fields.refuse("an extent is empty, or the extents do not add up to the image's size")
    if max(sources, default=0) > len(layers):
        raise fields.refuse("an extent names a layer that is not listed")
    return Extents(size, layers, sources, _starts(fields, sources, distances, lengths), lengths)


def check_within(extents: Extents, plain_lengths: Sequence[int]) -> None:
    """Check that each extent lies in its layer; `plain_lengths` has the plain bytes of each of `extents.layers`.

    Raises:
        FormatError: An extent does not.
    """
    limits = [_OFFSET_LIMIT, *plain_lengths]
    if len(limits) != len(extents.layers) + 1:
        raise InvariantError(f"{len(extents.layers)} layers, but plain lengths of {len(plain_lengths)}")
    stops = map(add, extents.starts, extents.lengths)
    if any(map(gt, stops, map(limits.__getitem__, extents.sources))):
        raise FormatError("an extent lies beyond the end of its layer: the tool that published the release is faulty")


def _layers(fields: Fields) -> tuple[LayerName, ...]:
    names = fields.data("layers", limit=LAYERS_LIMIT * _NAME_BYTES).hex()
    width = 2 * _NAME_BYTES
    layers = tuple(LayerName(names[at : at + width]) for at in range(0, len(names), width))
    if len(names) % width or len(set(layers)) != len(layers):
        raise fields.refuse("'layers' ends within a name, or names a layer twice")
    return layers


def _distances(extents: Extents) -> array[int]:
    """The distance of each start from the end of the previous extent of its layer."""
    distances = array("q")
    ends = [0] * (len(extents.layers) + 1)
    for source, start, length in zip(extents.sources, extents.starts, extents.lengths, strict=True):
        distances.append(start - ends[source])
        if source != ZEROS:
            ends[source] = start + length
    return distances


def _starts(fields: Fields, sources: array[int], distances: array[int], lengths: array[int]) -> array[int]:
    """The inverse of `_distances`, for untrusted columns."""
    starts = array("Q")
    ends = [0] * LAYERS_LIMIT + [0]
    for source, distance, length in zip(sources, distances, lengths, strict=True):
        start = ends[source] + distance
        if start < 0 or (source == ZEROS and start):
            raise fields.refuse("an extent starts before its layer, or zeros have a start")
        starts.append(start)
        if source != ZEROS:
            ends[source] = stop = start + length
            if stop >= _OFFSET_LIMIT:
                raise fields.refuse("an extent ends beyond any layer")
    return starts
