"""Chunks are found again, however many there are."""

from __future__ import annotations

import hashlib
import os
from array import array

import pytest

from dcdist.errors import DiskError
from dcdist.formats.chunks import ChunkList
from dcdist.publishing.cutting.known_chunks import KnownChunks


def digest(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def test_a_chunk_is_found_in_all_its_layers_lowest_first() -> None:
    with KnownChunks() as known:
        known.add_layer(7, ChunkList(digest(1) + digest(2), array("I", [5, 6])))
        known.add_layer(3, ChunkList(digest(3) + digest(2), array("I", [9, 6])))

        assert known.places(digest(2)) == [(3, 9), (7, 5)]
        assert known.places(digest(4)) == []


def test_a_chunk_that_stands_twice_in_a_layer_is_found_once() -> None:
    with KnownChunks() as known:
        known.add_layer(0, ChunkList(digest(1) * 2, array("I", [5, 5])))

        assert known.places(digest(1)) == [(0, 0)]


def test_new_chunks_are_found_at_once_and_after_they_were_written_out() -> None:
    with KnownChunks() as known:
        for number in range(50_001):
            known.add(digest(number), (1, number))

        assert [known.places(digest(number)) for number in (0, 19_999, 20_000, 50_000)] == [
            [(1, 0)],
            [(1, 19_999)],
            [(1, 20_000)],
            [(1, 50_000)],
        ]


def test_the_file_has_no_name_so_that_nothing_is_left_of_it() -> None:
    with KnownChunks() as known:
        known._database.execute("PRAGMA cache_size = 10")
        known.add_layer(0, ChunkList(b"".join(digest(each) for each in range(10_000)), array("I", [1] * 10_000)))
        written = [each for each in os.listdir("/proc/self/fd") if "etilqs" in _target(each)]

        assert len(written) == 1
        assert _target(written[0]).endswith(" (deleted)")
        assert os.stat(f"/proc/self/fd/{written[0]}").st_size > 100_000


def test_a_full_temporary_folder_is_named() -> None:
    with KnownChunks() as known:
        known._database.execute("PRAGMA max_page_count = 2")

        with pytest.raises(DiskError, match=r"the temporary list of known chunks cannot be written: .*TMPDIR names"):
            known.add_layer(0, ChunkList(b"".join(digest(each) for each in range(10_000)), array("I", [1] * 10_000)))


def _target(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except FileNotFoundError:
        return ""
