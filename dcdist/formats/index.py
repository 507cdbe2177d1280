"""A layer's index: its cut, its piece hashes and its frame table, at `layers/NAME/index`.

Invariant: an index from `decode` is consistent and fits the layer's entry in the manifest; no reader checks it again.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from dcdist.errors import InvariantError
from dcdist.formats import columns, envelope, object_names
from dcdist.formats.fields import DIGEST_LENGTH, Fields
from dcdist.formats.frames import FRAME_LIMIT, FRAME_PLAIN_LIMIT
from dcdist.model.geometry import LAYER_LIMIT, MIB, Geometry
from dcdist.model.layer import FrameTable, Index

if TYPE_CHECKING:
    from dcdist.model.identity import LayerName
    from dcdist.model.release import LayerEntry

INDEX_LIMIT: Final = 48 * MIB
"""The most bytes of an index object, and of its map."""

FRAMES_LIMIT: Final = 1 << 20
"""The most frames of one layer."""

_KIND: Final = envelope.Kind("dcdist-index", 1, INDEX_LIMIT)
_NAME_LENGTH: Final = 32
_HASH_LENGTH: Final = 20


def encode(index: Index) -> bytes:
    """The index object. Equal indexes give equal maps, and equal bytes with one version of zstd."""
    frames, geometry = index.frames, index.geometry
    if geometry != Geometry.for_length(geometry.length) or frames.starts[-1] != geometry.length:
        raise InvariantError(f"the index of layer {index.layer} does not fit the layer's length")
    body = {
        "layer": index.layer,
        "length": geometry.length,
        "piece_length": geometry.piece_length,
        "stripe_length": geometry.stripe_length,
        "segment_length": geometry.segment_length,
        "pieces": index.piece_hashes,
        "lengths": columns.write(_lengths(frames.starts)),
        "plain_lengths": columns.write(_lengths(frames.plain_starts)),
        "digests": frames.digests,
        "chunks": index.chunks_digest,
    }
    return envelope.encode(_KIND, body)


def decode(data: bytes, entry: LayerEntry) -> Index:
    """The index of the layer that `entry` of a manifest names.

    Raises:
        IntegrityError: Its SHA-256 is not the one in the manifest.
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read, or its parts do not fit together.
    """
    what, source = _what(entry.name), object_names.layer_index(entry.name)
    envelope.require_digest(data, entry.index, what=what, source=source)
    return decode_unpromised(data, entry.name, entry.length)


def decode_unpromised(data: bytes, layer: LayerName, length: int) -> Index:
    """The index of a layer of `length` bytes that no manifest speaks of: to be believed as far as it is checked.

    Raises:
        NewerFormatError: It is in a newer format.
        FormatError: It cannot be read, or does not fit together.
    """
    fields = envelope.decode(_KIND, data, what=_what(layer))
    geometry = _geometry(fields, layer, length)
    return Index(
        layer,
        geometry,
        fields.exactly("pieces", geometry.piece_count * _HASH_LENGTH),
        _frames(fields, geometry.length),
        fields.digest("chunks"),
    )


def _what(layer: LayerName) -> str:
    return f"the index of layer {layer}"


def _geometry(fields: Fields, layer: LayerName, promised: int) -> Geometry:
    if fields.text("layer", limit=_NAME_LENGTH) != layer:
        raise fields.refuse("it belongs to another layer")
    length = fields.integer("length", low=1, high=LAYER_LIMIT)
    if length != promised:
        raise fields.refuse(f"it is for {length} bytes, but the manifest says {promised}")
    geometry = Geometry.for_length(length)
    stated = Geometry(
        length,
        fields.integer("piece_length", high=LAYER_LIMIT),
        fields.integer("stripe_length", high=LAYER_LIMIT),
        fields.integer("segment_length", high=LAYER_LIMIT),
    )
    if stated != geometry:
        raise fields.refuse("its geometry does not follow from its length")
    return geometry


def _frames(fields: Fields, length: int) -> FrameTable:
    lengths = fields.column("lengths", "I", limit=FRAMES_LIMIT)
    plain_lengths = fields.column("plain_lengths", "I", limit=FRAMES_LIMIT)
    if not 0 < len(lengths) == len(plain_lengths):
        raise fields.refuse(f"it has {len(lengths)} lengths, but {len(plain_lengths)} plain lengths")
    if min(lengths) < 1 or max(lengths) > FRAME_LIMIT:
        raise fields.refuse(f"a frame does not have 1 to {FRAME_LIMIT} bytes")
    if min(plain_lengths) < 1 or max(plain_lengths) > FRAME_PLAIN_LIMIT:
        raise fields.refuse(f"a frame does not have 1 to {FRAME_PLAIN_LIMIT} plain bytes")
    starts = columns.starts(lengths)
    if starts[-1] != length:
        raise fields.refuse(f"its frames have {starts[-1]} bytes, but the layer has {length}")
    return FrameTable(starts, columns.starts(plain_lengths), fields.exactly("digests", len(lengths) * DIGEST_LENGTH))


def _lengths(starts: array[int]) -> array[int]:
    return array("I", (stop - start for start, stop in pairwise(starts)))
