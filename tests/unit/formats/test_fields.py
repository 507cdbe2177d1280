from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import FormatError
from dcdist.formats import columns
from dcdist.formats.fields import Fields

if TYPE_CHECKING:
    from dcdist.formats.values import Value


def fields(value: Value) -> Fields:
    return Fields({"key": value}, "the thing")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(FormatError, match=r"the thing cannot be read: 'size' is missing"):
        fields(1).integer("size", high=3)


@pytest.mark.parametrize("value", [True, None, "1", memoryview(b"1"), [1], {}])
def test_an_integer_is_nothing_else(value: Value) -> None:
    with pytest.raises(FormatError, match="not a number"):
        fields(value).integer("key", high=3)


@pytest.mark.parametrize(("value", "accepted"), [(-1, False), (0, False), (1, True), (3, True), (4, False)])
def test_an_integer_is_within_its_bounds(value: int, accepted: bool) -> None:
    if accepted:
        assert fields(value).integer("key", low=1, high=3) == value
    else:
        with pytest.raises(FormatError, match="not from 1 to 3"):
            fields(value).integer("key", low=1, high=3)


@pytest.mark.parametrize("value", ["four", memoryview(b"abc"), 1, None])
def test_a_text_is_a_text_within_its_limit(value: Value) -> None:
    assert fields("abc").text("key", limit=3) == "abc"
    with pytest.raises(FormatError):
        fields(value).text("key", limit=3)


@pytest.mark.parametrize("value", [memoryview(b"four"), "abc", None, []])
def test_data_are_bytes_within_their_limit(value: Value) -> None:
    assert bytes(fields(memoryview(b"abc")).data("key", limit=3)) == b"abc"
    with pytest.raises(FormatError):
        fields(value).data("key", limit=3)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_digest_has_32_bytes(length: int) -> None:
    assert fields(memoryview(bytes(32))).digest("key") == bytes(32)
    with pytest.raises(FormatError):
        fields(memoryview(bytes(length))).digest("key")


@pytest.mark.parametrize("length", [5, 12])
def test_a_column_has_whole_numbers_up_to_its_limit(length: int) -> None:
    assert fields(memoryview(b"\1\0\0\0\2\0\0\0")).column("key", "I", limit=2) == array("I", [1, 2])
    with pytest.raises(FormatError):
        fields(memoryview(bytes(length))).column("key", "I", limit=2)


@pytest.mark.parametrize("value", [[{}, {}, {}], {}, [1], None])
def test_maps_are_maps_up_to_their_limit(value: Value) -> None:
    assert len(fields([{}, {}]).maps("key", limit=2)) == 2
    with pytest.raises(FormatError):
        fields(value).maps("key", limit=2)


def test_a_map_within_an_array_is_named() -> None:
    with pytest.raises(FormatError, match="the thing, key 1 cannot be read: 'size' is missing"):
        fields([{}, {}]).maps("key", limit=2)[1].integer("size", high=1)


@pytest.mark.parametrize(
    ("kind", "numbers", "written"),
    [
        ("H", array("H", [1, 0xFFFE]), b"\x01\x00\xfe\xff"),
        ("I", array("I", [1, 0xFFFFFFFE]), b"\x01\0\0\0\xfe\xff\xff\xff"),
        ("Q", array("Q", [1 << 56]), b"\0\0\0\0\0\0\0\x01"),
        ("q", array("q", [-2]), b"\xfe\xff\xff\xff\xff\xff\xff\xff"),
    ],
)
def test_columns_are_little_endian(kind: columns.Type, numbers: array[int], written: bytes) -> None:
    assert columns.write(numbers) == written
    assert columns.read(written, kind) == numbers


def test_a_big_endian_machine_swaps_and_leaves_the_numbers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = array("I", [1])
    native = columns.write(numbers)
    monkeypatch.setattr("sys.byteorder", "big")
    assert columns.write(numbers) == native[::-1]
    assert numbers == array("I", [1])
    assert columns.read(native[::-1], "I") == numbers


def test_a_column_that_is_cut_is_refused() -> None:
    with pytest.raises(FormatError, match="9 bytes does not consist of 8-byte numbers"):
        columns.read(bytes(9), "Q")


def test_starts_are_the_sums_of_the_lengths_before() -> None:
    assert columns.starts([3, 4, 5]) == array("Q", [0, 3, 7, 12])
    assert columns.starts([]) == array("Q", [0])
