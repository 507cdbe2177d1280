from __future__ import annotations

import msgpack
import pytest

from dcdist.errors import FormatError
from dcdist.formats import values


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x00", 0),
        (b"\x7f", 127),
        (b"\xff", -1),
        (b"\xe0", -32),
        (b"\xcc\xff", 255),
        (b"\xcd\x01\x00", 256),
        (b"\xce\x80\x00\x00\x00", 1 << 31),
        (b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff", (1 << 64) - 1),
        (b"\xd0\x80", -128),
        (b"\xd1\xff\x7f", -129),
        (b"\xd2\x80\x00\x00\x00", -(1 << 31)),
        (b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", -(1 << 63)),
        (b"\xc0", None),
        (b"\xc2", False),
        (b"\xc3", True),
        (b"\xa2\xc3\xa9", "é"),
        (b"\xd9\x01a", "a"),
        (b"\xda\x00\x01a", "a"),
        (b"\xdb\x00\x00\x00\x01a", "a"),
        (b"\xc4\x01a", b"a"),
        (b"\xc5\x00\x01a", b"a"),
        (b"\xc6\x00\x00\x00\x01a", b"a"),
        (b"\x92\x01\x02", [1, 2]),
        (b"\xdc\x00\x01\x01", [1]),
        (b"\xdd\x00\x00\x00\x01\x01", [1]),
        (b"\x81\xa1a\x01", {"a": 1}),
        (b"\xde\x00\x01\xa1a\x01", {"a": 1}),
        (b"\xdf\x00\x00\x00\x01\xa1a\x01", {"a": 1}),
    ],
)
def test_every_spelling_of_a_value_is_read(data: bytes, value: object) -> None:
    assert values.read(data, count=10) == value


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "truncated"),
        (b"\xcd\x01", "truncated"),
        (b"\xa2a", "truncated"),
        (b"\xc6\xff\xff\xff\xff", "truncated"),
        (b"\x92\x01", "truncated"),
        (b"\xc1", "type 0xc1"),
        (b"\xca\0\0\0\0", "type 0xca"),
        (b"\xd4\x01\x01", "type 0xd4"),
        (b"\xd6\xff\0\0\0\0", "type 0xd6"),
        (b"\xa1\xff", "not UTF-8"),
        (b"\xa3\xed\xa0\x80", "not UTF-8"),
        (b"\x01\x01", "1 bytes follow"),
        (b"\x81\x01\x01", "key is not a text"),
        (b"\x81\xc4\x01a\x01", "key is not a text"),
        (b"\x82\xa1a\x01\xa1a\x02", "occurs twice"),
    ],
)
def test_anything_else_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(FormatError, match=reason):
        values.read(data, count=10)


def test_values_are_counted_with_their_keys() -> None:
    data = msgpack.packb({"a": [1, 2], "b": 3})
    assert values.read(data, count=7) == {"a": [1, 2], "b": 3}
    with pytest.raises(FormatError, match="too many values"):
        values.read(data, count=6)


@pytest.mark.parametrize("data", [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdc\xff\xff" + b"\x90" * 65535])
def test_a_count_beyond_the_bound_is_refused_before_it_is_believed(data: bytes) -> None:
    with pytest.raises(FormatError, match="too many values"):
        values.read(data, count=1000)


def test_nesting_is_bounded() -> None:
    deepest = b"\x91" * 7 + b"\x00"
    assert values.read(deepest, count=100) == [[[[[[[0]]]]]]]
    with pytest.raises(FormatError, match="too deeply"):
        values.read(b"\x91" + deepest, count=100)
    with pytest.raises(FormatError, match="too deeply"):
        values.read(b"\x91" * 100_000, count=200_000)


def test_byte_strings_are_views_of_the_data() -> None:
    data = b"\xc4\x03abc"
    value = values.read(data, count=1)
    assert isinstance(value, memoryview)
    assert value.obj is data
