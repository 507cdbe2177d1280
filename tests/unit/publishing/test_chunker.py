"""InputImages are cut inside members, never across them."""

from __future__ import annotations

import pytest

from dcdist.formats.xva import Content, Literal, Part
from dcdist.publishing.cutting.chunker import Chunker


def content(text: bytes) -> Part:
    return Content(memoryview(text))


def literal(text: bytes) -> Part:
    return Literal(memoryview(text))


@pytest.mark.parametrize(
    ("parts", "chunks"),
    [
        ([], []),
        ([content(b"abcdefgh")], [b"abc", b"def", b"gh"]),
        ([content(b"abcdef")], [b"abc", b"def"]),
        ([content(b"ab"), content(b"c"), content(b"d"), content(b"efg")], [b"abc", b"def", b"g"]),
        ([literal(b"h"), content(b"abcd"), literal(b"hh")], [b"h", b"abc", b"d", b"hh"]),
        ([literal(b"h"), content(b""), literal(b"hh")], [b"h", b"hh"]),
        ([content(b"a"), literal(b"bcdefg"), content(b"h")], [b"a", b"bcd", b"efg", b"h"]),
    ],
)
def test_chunks_begin_with_each_body_and_literal(parts: list[Part], chunks: list[bytes]) -> None:
    chunker = Chunker(3)

    assert [bytes(chunk) for chunk in [*chunker.receive(parts), *chunker.finish()]] == chunks


def test_a_chunk_is_given_as_soon_as_it_is_whole() -> None:
    chunker = Chunker(3)

    assert [bytes(chunk) for chunk in chunker.receive([content(b"abcd")])] == [b"abc"]
    assert [bytes(chunk) for chunk in chunker.receive([literal(b"h")])] == [b"d"]
    assert [bytes(chunk) for chunk in chunker.finish()] == [b"h"]
    assert list(chunker.finish()) == []
