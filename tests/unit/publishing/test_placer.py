"""Which place a chunk gets: zeros, the one that continues, one in use, or a new frame."""

from __future__ import annotations

import hashlib
from array import array
from typing import TYPE_CHECKING

import pytest

from dcdist.formats.chunks import ChunkList
from dcdist.publishing.cutting.known_chunks import KnownChunks
from dcdist.publishing.cutting.placer import NEW, NOWHERE, ContentCounts, DraftExtents, Placer

if TYPE_CHECKING:
    from collections.abc import Iterator

A, B, C, D = (letter * 10 for letter in (b"a", b"b", b"c", b"d"))


def chunk_list(*chunks: bytes) -> ChunkList:
    digests = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
    return ChunkList(digests, array("I", [len(chunk) for chunk in chunks]))


@pytest.fixture
def known() -> Iterator[KnownChunks]:
    with KnownChunks() as known:
        yield known


def placed(placer: Placer, *chunks: bytes) -> list[tuple[int, int, int]]:
    placer.place(chunks)
    run, _ = placer.finish_image()
    return list(run)


def test_new_chunks_follow_each_other_in_one_extent(known: KnownChunks) -> None:
    assert placed(Placer(known, 1000), A, B, b"c") == [(NEW, 0, 21)]


def test_the_new_stream_runs_on_through_all_images(known: KnownChunks) -> None:
    placer = Placer(known, 1000)

    assert [placed(placer, A), placed(placer, B, A)] == [[(NEW, 0, 10)], [(NEW, 10, 10), (NEW, 0, 10)]]


def test_zeros_are_one_extent_and_no_chunk(known: KnownChunks) -> None:
    placer = Placer(known, 1000)

    assert placed(placer, bytes(10), bytes(3), A, bytes(10), A[:0] + b"\0a") == [
        (NOWHERE, 0, 13),
        (NEW, 0, 10),
        (NOWHERE, 0, 10),
        (NEW, 10, 2),
    ]


def test_known_chunks_are_taken_from_their_layer(known: KnownChunks) -> None:
    known.add_layer(5, chunk_list(A, b"x", B, C))

    assert placed(Placer(known, 1000), B, C, D, A) == [(5, 11, 20), (NEW, 0, 10), (5, 0, 10)]


def test_a_place_that_continues_is_preferred(known: KnownChunks) -> None:
    known.add_layer(1, chunk_list(B))
    known.add_layer(2, chunk_list(A, B))
    known.add_layer(3, chunk_list(C, A, B))

    assert placed(Placer(known, 1000), A, B) == [(2, 0, 20)]
    assert placed(Placer(known, 1000), C, A, B) == [(3, 0, 30)]


def test_a_layer_that_is_in_use_is_preferred(known: KnownChunks) -> None:
    known.add_layer(1, chunk_list(B))
    known.add_layer(2, chunk_list(A, D, B))

    assert placed(Placer(known, 1000), A, B) == [(2, 0, 10), (2, 20, 10)]


def test_without_a_reason_the_first_layer_is_taken(known: KnownChunks) -> None:
    known.add_layer(2, chunk_list(A))
    known.add_layer(1, chunk_list(B, A))

    assert placed(Placer(known, 1000), A) == [(1, 10, 10)]


def test_frames_end_when_they_are_full_and_hold_whole_chunks(known: KnownChunks) -> None:
    placer = Placer(known, 25)

    frames = placer.place([A, B, C, D])
    rest = placer.rest()

    assert [frame.plain for frame in frames] == [A + B + C]
    assert [frame.plain for frame in rest] == [D]
    assert frames[0].digests == chunk_list(A, B, C).digests
    assert list(frames[0].lengths) == [10, 10, 10]
    assert placer.rest() == []


def test_bytes_are_counted_by_where_they_were_found(known: KnownChunks) -> None:
    known.add_layer(0, chunk_list(A))
    placer = Placer(known, 1000)
    placer.place([A, B, B, C, bytes(7)])

    assert placer.finish_image()[1] == ContentCounts(new=20, reused=20, zeros=7)
    assert placer.finish_image()[1] == ContentCounts()


def test_runs_join_only_what_continues() -> None:
    run = DraftExtents()
    for source, start, length in [(1, 0, 5), (1, 5, 5), (1, 9, 1), (2, 10, 1), (NOWHERE, 0, 4), (NOWHERE, 0, 4)]:
        run.append(source, start, length)

    assert list(run) == [(1, 0, 10), (1, 9, 1), (2, 10, 1), (NOWHERE, 0, 8)]
