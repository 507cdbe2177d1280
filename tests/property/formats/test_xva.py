"""For any small XVA: whatever the split of its bytes, the same parts; whatever byte is damaged, it shows."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcdist.errors import XvaError
from dcdist.formats.xva import XvaReader
from dcdist.publishing.cutting.chunker import Chunker
from tests.support.xva import BLOCK, Disk, xva

BLOCKS = st.sampled_from([bytes(BLOCK), b"a" * BLOCK, bytes(range(256)) * (BLOCK // 256)])
TAILS = st.sampled_from([b"", b"t" * 512])
CONTENTS = st.builds(lambda blocks, tail: b"".join(blocks) + tail, st.lists(BLOCKS, max_size=4), TAILS)
XVAS = st.builds(
    lambda contents, awake, checksum, style: xva(
        *(Disk(f"Ref:{20 + number}", b"f" * BLOCK + content, awake) for number, content in enumerate(contents)),
        checksum=checksum,
        style=style,
    ),
    st.lists(CONTENTS, max_size=3),
    st.frozensets(st.integers(1, 4), max_size=2),
    st.sampled_from(["xxhash", "checksum"]),
    st.sampled_from(["v7", "ustar", "gnu"]),
)


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    """The chunks of an XVA that comes in pieces cut there."""
    reader, chunker = XvaReader(), Chunker(1000)
    found: list[bytes] = []
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, stop in itertools.pairwise(edges):
        found += [bytes(chunk) for chunk in chunker.receive(reader.receive(data[start:stop]))]
    reader.finish()
    return found + [bytes(chunk) for chunk in chunker.finish()]


@given(XVAS, st.lists(st.integers(0, 1 << 16), max_size=12))
def test_any_split_of_the_bytes_gives_the_same_chunks_which_are_the_xva(data: bytes, cuts: list[int]) -> None:
    whole = chunks(data, [])

    assert chunks(data, cuts) == whole
    assert b"".join(whole) == data


SMALL = xva(Disk("Ref:4", b"a" * 600 + bytes(424)), Disk("Ref:5", b"b" * 512))
FREE = range(512, SMALL.index(b"Ref:4/00000000\0"))
"""The body of ova.xml (and its padding): it has no checksum, so a changed letter of a label cannot show."""


@given(st.integers(0, len(SMALL) - 1), st.integers(1, 255))
def test_any_damaged_byte_is_refused_but_for_labels_in_ova_xml_and_the_form_of_a_headers_checksum(
    at: int, change: int
) -> None:
    damaged = bytearray(SMALL)
    damaged[at] ^= change
    in_checksum_field = 148 <= at % 512 < 156
    try:
        read = chunks(bytes(damaged), [])
    except XvaError:
        return

    # What is accepted is what was read: nothing is repaired on the way.
    assert b"".join(read) == damaged
    assert at in FREE or (in_checksum_field and chr(damaged[at]) in " 0\0")


@given(st.binary(max_size=2000))
def test_garbage_is_refused_with_an_error_of_its_own(data: bytes) -> None:
    with pytest.raises(XvaError):
        chunks(data, [])
