"""Frames made by hand: a header of magic, flags, window and size, then one raw block of 256 bytes."""

from __future__ import annotations

import pytest

from dcdist.errors import FormatError
from dcdist.formats import compression

MAGIC = bytes.fromhex("28b52ffd")
CONTENT = bytes(range(256))
LAST_RAW_BLOCK = bytes.fromhex("010800") + CONTENT
TWO_BYTE_SIZE = 0b0100_0000
DICTIONARY = 0b0000_0001


def frame(*, flags: int = TWO_BYTE_SIZE, window_log: int = 10, dictionary: bytes = b"", size: bytes = b"\0\0") -> bytes:
    return MAGIC + bytes([flags, (window_log - 10) << 3]) + dictionary + size + LAST_RAW_BLOCK


def unpack(data: bytes, *, low: int = 1, high: int = 1000) -> bytes:
    return compression.unpack(compression.decompressor(), data, low=low, high=high)


def test_a_frame_is_unpacked() -> None:
    assert unpack(frame()) == CONTENT


def test_the_size_must_be_within_the_bounds() -> None:
    assert unpack(frame(), low=256, high=256) == CONTENT
    for low, high in ((1, 255), (257, 1000)):
        with pytest.raises(FormatError, match=f"does not declare a size from {low} to {high}"):
            unpack(frame(), low=low, high=high)


def test_a_window_of_8_mib_is_the_widest() -> None:
    assert unpack(frame(window_log=23)) == CONTENT
    with pytest.raises(FormatError, match="window of over 8388608 bytes"):
        unpack(frame(window_log=24))


def test_a_frame_that_needs_a_dictionary_is_refused() -> None:
    with pytest.raises(FormatError, match="needs a dictionary"):
        unpack(frame(flags=TWO_BYTE_SIZE | DICTIONARY, dictionary=b"\7"))


def test_a_frame_without_a_size_is_refused() -> None:
    with pytest.raises(FormatError, match="does not declare a size"):
        unpack(frame(flags=0, size=b""))


@pytest.mark.parametrize("size", [b"\1\0", b"\xff\0"])
def test_a_frame_that_is_shorter_than_it_declares_is_refused(size: bytes) -> None:
    with pytest.raises(FormatError, match="damaged"):
        unpack(frame(size=size))


def test_a_frame_that_is_longer_than_it_declares_is_refused() -> None:
    with pytest.raises(FormatError, match="damaged"):
        unpack(MAGIC + bytes([0b0010_0000, 100]) + LAST_RAW_BLOCK)
