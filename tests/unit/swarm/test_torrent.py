"""A layer as a torrent, and pieces from counts."""

from __future__ import annotations

from array import array
from pathlib import Path

import libtorrent as lt
import pytest

from dcdist.model.geometry import Geometry
from dcdist.model.identity import Digest, LayerName
from dcdist.model.layer import FrameTable, Index
from dcdist.swarm.torrent import present, torrent_parameters
from tests.support.cached_layers import FileLayer

NAME = LayerName("0123456789abcdef0123456789abcdef")


def small_layer(*, have: int = 0) -> FileLayer:
    ends = array("Q", [0, 600_000])
    frames = FrameTable(ends, ends, bytes(32))
    index = Index(NAME, Geometry.for_length(600_000), bytes(range(60)), frames, Digest(bytes(32)))
    return FileLayer(index, Path("/cache/layers/x/data"), have)


def test_the_torrent_follows_from_the_index_alone() -> None:
    # Hosts of different releases of dcdist must agree on it: changing it parts the swarm.
    assert str(torrent_parameters(small_layer()).info_hashes.v1) == "46fe5aaa49511ef999139d93650aa1ed602a9526"
    assert str(torrent_parameters(small_layer(have=0b101)).info_hashes.v1) == "46fe5aaa49511ef999139d93650aa1ed602a9526"


def test_the_torrent_is_private_and_has_the_name_of_its_layer() -> None:
    torrent = torrent_parameters(small_layer()).ti
    assert torrent is not None
    assert (torrent.name(), torrent.priv(), torrent.num_pieces(), torrent.piece_size(2)) == (NAME, True, 3, 75_712)


def test_data_are_in_the_file_of_the_cache_whatever_the_name_of_the_layer() -> None:
    parameters = torrent_parameters(small_layer())
    assert (parameters.save_path, parameters.renamed_files) == ("/cache/layers/x", {0: "data"})


def test_what_the_cache_has_is_told_and_not_to_be_checked() -> None:
    parameters = torrent_parameters(small_layer(have=0b101))
    flags = lt.torrent_flags
    assert parameters.have_pieces == [True, False, True]
    assert parameters.flags & flags.no_verify_files
    assert not parameters.flags & (flags.paused | flags.auto_managed | flags.seed_mode)


def test_hosts_that_are_known_are_dialled_with_the_torrent_and_not_a_second_later() -> None:
    peers = (("192.0.2.1", 6881), ("2001:db8::1", 6882))
    assert torrent_parameters(small_layer(), peers).peers == [("192.0.2.1", 6881), ("2001:db8::1", 6882)]


@pytest.mark.parametrize(
    ("counts", "pieces"),
    [
        ([], 0),
        ([0, 0, 0], 0),
        ([1, 0, 2], 0b101),
        ([0, 255, 256, 10_000, 0], 0b01110),
        ([False, True], 0b10),
        ([0] * 9_999 + [3], 1 << 9_999),
    ],
)
def test_pieces_with_a_count_are_present(counts: list[int], pieces: int) -> None:
    assert present(counts) == pieces
