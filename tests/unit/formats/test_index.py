from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import FormatError, IntegrityError, InvariantError, NewerFormatError
from dcdist.formats import columns, index
from dcdist.model.geometry import Geometry
from dcdist.model.release import LayerEntry
from tests.support.format_objects import (
    LAYER,
    OTHER_LAYER,
    changed,
    decode_index,
    digest,
    index_entry,
    make_index,
    take_apart,
    without,
)

if TYPE_CHECKING:
    from dcdist.model.layer import Index
    from tests.support.format_objects import Plain

INDEX = make_index((1000, 500, 24), (4000, 4000, 30))
DATA = index.encode(INDEX)
MIB = 1 << 20


def refused(data: bytes, length: int = 1524) -> str:
    with pytest.raises(FormatError) as caught:
        decode_index(data, length)
    return str(caught.value)


def u32(*numbers: int) -> bytes:
    return columns.write(array("I", numbers))


def test_an_index_passes_through_its_object() -> None:
    assert index.decode(DATA, index_entry(DATA, INDEX)) == INDEX
    assert INDEX.frames.starts == array("Q", [0, 1000, 1500, 1524])


def test_the_index_of_a_full_layer_passes() -> None:
    whole = make_index([4 * MIB] * 1024, [4 * MIB] * 1024)
    assert whole.geometry.piece_count == 4096
    data = index.encode(whole)
    assert index.decode(data, index_entry(data, whole)) == whole


def test_columns_stand_in_the_map_as_bytes() -> None:
    body = take_apart(DATA).body
    assert body["lengths"] == bytes.fromhex("e8030000 f4010000 18000000")
    assert body["plain_lengths"] == bytes.fromhex("a00f0000 a00f0000 1e000000")
    assert body["layer"] == LAYER
    assert (body["length"], body["piece_length"], body["stripe_length"]) == (1524, 262144, 1048576)
    assert body["segment_length"] == 67108864


def test_an_index_that_the_manifest_does_not_name_is_refused_with_its_key() -> None:
    with pytest.raises(IntegrityError, match=f"the index of layer {LAYER}") as caught:
        index.decode(DATA, LayerEntry(LAYER, 1524, digest(b"other")))
    assert caught.value.source == f"layers/{LAYER}/index"


def test_an_index_that_no_manifest_names_is_read_if_it_is_of_that_layer_and_length() -> None:
    assert index.decode_unpromised(DATA, LAYER, 1524) == INDEX
    for layer, length in ((OTHER_LAYER, 1524), (LAYER, 1525)):
        with pytest.raises(FormatError):
            index.decode_unpromised(DATA, layer, length)


def test_a_newer_index_is_refused_by_name() -> None:
    opened = take_apart(DATA)
    opened.version = 3
    with pytest.raises(NewerFormatError, match=f"the index of layer {LAYER} cannot be read: it has format version 3,"):
        decode_index(opened.packed())


@pytest.mark.parametrize("key", take_apart(DATA).body)
def test_a_missing_key_is_named(key: str) -> None:
    assert f"'{key}' is missing" in refused(without(DATA, key))


def test_another_layers_index_is_refused() -> None:
    assert "another layer" in refused(changed(DATA, layer=OTHER_LAYER))


def test_an_index_of_another_length_is_refused() -> None:
    assert "1524 bytes, but the manifest says 1525" in refused(DATA, length=1525)


@pytest.mark.parametrize(
    "fields", [{"piece_length": 16384}, {"piece_length": 0}, {"stripe_length": 1}, {"segment_length": 1 << 31}]
)
def test_a_geometry_that_is_not_the_lengths_is_refused(fields: dict[str, Plain]) -> None:
    assert "its geometry does not follow from its length" in refused(changed(DATA, **fields))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"length": 0}, "'length' is 0"),
        ({"length": 4294967297}, "'length' is 4294967297"),
        ({"pieces": bytes(40)}, "'pieces' is not"),
        ({"pieces": b""}, "'pieces' has 0 bytes, not 20"),
        ({"lengths": u32(1000, 500, 25)}, "its frames have 1525 bytes, but the layer has 1524"),
        ({"lengths": u32(1000, 524)}, "2 lengths, but 3 plain lengths"),
        ({"lengths": b"", "plain_lengths": b"", "digests": b""}, "0 lengths"),
        ({"lengths": u32(1524, 0, 0)}, "a frame does not have 1 to 4210688 bytes"),
        ({"lengths": u32(1000, 500, 24)[:-1]}, "ends within a number"),
        ({"plain_lengths": u32(4000, 0, 30)}, "a frame does not have 1 to 4194304 plain bytes"),
        ({"plain_lengths": u32(4000, 4194305, 30)}, "a frame does not have 1 to 4194304 plain bytes"),
        ({"digests": bytes(64)}, "'digests' has 64 bytes, not 96"),
        ({"digests": "text"}, "'digests' is not a byte string"),
        ({"chunks": bytes(20)}, "'chunks' has 20 bytes"),
        ({"lengths": bytes(4 * (MIB + 1))}, "'lengths' is not a byte string of at most 4194304 bytes"),
    ],
)
def test_columns_that_are_off_are_refused(fields: dict[str, Plain], reason: str) -> None:
    assert reason in refused(changed(DATA, **fields))


def test_a_frame_beyond_the_bound_is_refused() -> None:
    length = 4210689 + 1
    data = changed(
        index.encode(make_index((4210688, 2), (1, 1))), lengths=u32(4210689, 1), plain_lengths=u32(4194304, 1)
    )
    assert "a frame does not have 1 to 4210688 bytes" in refused(data, length)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(INDEX, geometry=Geometry.for_length(1525)),
        replace(INDEX, geometry=Geometry(1524, 262144, 2097152)),
    ],
)
def test_an_index_that_does_not_fit_its_length_is_not_written(wrong: Index) -> None:
    with pytest.raises(InvariantError):
        index.encode(wrong)
