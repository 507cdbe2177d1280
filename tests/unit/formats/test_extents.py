from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import FormatError, IntegrityError, InvariantError, NewerFormatError
from dcdist.formats import columns, extents
from dcdist.model.release import Image
from tests.support.format_objects import (
    LAYER,
    NAUGHT,
    OTHER_LAYER,
    changed,
    decode_extents,
    digest,
    make_extents,
    take_apart,
    without,
)

if TYPE_CHECKING:
    from dcdist.model.extent import Extents
    from tests.support.format_objects import Plain

EXTENTS = make_extents((1, 0, 100), (0, 0, 50), (1, 100, 20), (2, 7, 3), (1, 40, 10), (2, 10, 1))
DATA = extents.encode(EXTENTS)


def refused(data: bytes, size: int = 184) -> str:
    with pytest.raises(FormatError) as caught:
        decode_extents(data, size)
    return str(caught.value)


def u16(*numbers: int) -> bytes:
    return columns.write(array("H", numbers))


def u64(*numbers: int) -> bytes:
    return columns.write(array("Q", numbers))


def i64(*numbers: int) -> bytes:
    return columns.write(array("q", numbers))


def test_extents_pass_through_their_object() -> None:
    assert decode_extents(DATA, 184) == EXTENTS


def test_starts_are_written_as_the_distance_from_the_end_before() -> None:
    body = take_apart(DATA).body
    assert body == {
        "size": 184,
        "layers": bytes.fromhex(LAYER + OTHER_LAYER),
        "sources": u16(1, 0, 1, 2, 1, 2),
        "starts": i64(0, 0, 0, 7, -80, 0),
        "lengths": u64(100, 50, 20, 3, 10, 1),
    }


def test_an_empty_image_has_no_extents() -> None:
    assert len(decode_extents(extents.encode(make_extents(layers=())), 0)) == 0


def test_an_empty_image_has_no_empty_extents_either() -> None:
    data = changed(extents.encode(make_extents(layers=())), sources=bytes(4), starts=bytes(16), lengths=bytes(16))

    assert "an extent is empty" in refused(data, 0)


def test_zeros_may_be_as_long_as_an_image() -> None:
    whole = make_extents((0, 0, 1 << 50), layers=())
    assert decode_extents(extents.encode(whole), 1 << 50) == whole


def test_the_digest_is_the_objects_sha_256() -> None:
    assert extents.digest(b"abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_extents_that_the_manifest_does_not_name_are_refused_with_their_key() -> None:
    with pytest.raises(IntegrityError, match=r"the extents of image web\.xva") as caught:
        extents.decode(DATA, Image("web.xva", 184, NAUGHT, digest(b"other")))
    assert caught.value.source == f"images/{digest(b'other').hex()}"


def test_newer_extents_are_refused_by_name() -> None:
    opened = take_apart(DATA)
    opened.version = 2
    with pytest.raises(
        NewerFormatError, match=r"the extents of image web\.xva cannot be read: it has format version 2,"
    ):
        decode_extents(opened.packed(), 184)


@pytest.mark.parametrize("key", take_apart(DATA).body)
def test_a_missing_key_is_named(key: str) -> None:
    assert f"'{key}' is missing" in refused(without(DATA, key))


def test_extents_of_another_size_are_refused() -> None:
    assert "184 bytes, but the manifest says 185" in refused(DATA, size=185)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"size": (1 << 50) + 1}, "'size' is"),
        ({"layers": bytes(17)}, "ends within a name"),
        ({"layers": bytes(32)}, "names a layer twice"),
        ({"layers": bytes(16 * 65)}, "'layers' is not a byte string of at most 1024 bytes"),
        ({"sources": u16(1, 0, 1, 3, 1, 2)}, "a layer that is not listed"),
        ({"sources": u16(1, 0, 1, 65535, 1, 2)}, "a layer that is not listed"),
        ({"sources": u16(1, 0, 1)}, "its columns differ in length"),
        ({"starts": i64(0, 0, 0, 7, -80)}, "its columns differ in length"),
        ({"lengths": u64(184)}, "its columns differ in length"),
        ({"lengths": u64(100, 50, 20, 3, 10, 2)}, "do not add up"),
        ({"lengths": u64(100, 50, 20, 4, 10, 0)}, "an extent is empty"),
        ({"lengths": u64(100, 50, 20, 3, 10, (1 << 64) - 1)}, "do not add up"),
        ({"starts": i64(0, 1, 0, 7, -80, 0)}, "zeros have a start"),
        ({"starts": i64(0, -1, 0, 7, -80, 0)}, "starts before its layer"),
        ({"starts": i64(-1, 0, 0, 7, -80, 0)}, "starts before its layer"),
        ({"starts": i64(0, 0, 0, 7, -121, 0)}, "starts before its layer"),
        ({"starts": i64((1 << 63) - 1, 0, 0, 7, -80, 0)}, "ends beyond any layer"),
        ({"starts": i64((1 << 63) - 101, 0, (1 << 63) - 1, 0, 0, 0)}, "ends beyond any layer"),
    ],
)
def test_columns_that_are_off_are_refused(fields: dict[str, Plain], reason: str) -> None:
    assert reason in refused(changed(DATA, **fields))


def test_an_extent_may_end_at_the_last_offset() -> None:
    last = make_extents((1, (1 << 63) - 2, 1))
    assert decode_extents(extents.encode(last), 1) == last


def test_extents_lie_within_their_layers() -> None:
    extents.check_within(EXTENTS, [120, 11])
    for plain_lengths in ([119, 11], [120, 10]):
        with pytest.raises(FormatError, match="beyond the end of its layer"):
            extents.check_within(EXTENTS, plain_lengths)


def test_every_layer_needs_its_plain_length() -> None:
    with pytest.raises(InvariantError):
        extents.check_within(EXTENTS, [120])


@pytest.mark.parametrize(
    "wrong",
    [
        replace(EXTENTS, size=183),
        replace(EXTENTS, sources=array("H", [1])),
        make_extents((1, 0, 1), layers=[LAYER] * 65),
    ],
)
def test_extents_that_do_not_fit_together_are_not_written(wrong: Extents) -> None:
    with pytest.raises(InvariantError):
        extents.encode(wrong)
