"""The parts of the benchmark of one host that need no Swift: trading and publishing, on a small image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import publishing, trading
from tests.support.publishing import noise

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def image_in(folder: Path) -> Path:
    image = folder / "image.raw"
    image.write_bytes(noise(5, 3 * MIB))
    return image


def test_both_ways_of_trading_move_the_layer_in_every_round(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    runs, moved = trading.compare(image_in(tmp_path), tmp_path / "scratch", 2)

    assert sorted((run.round, run.contender) for run in runs) == [
        (number, name) for number in (0, 1) for name in ("dcdist", "libtorrent")
    ]
    assert moved >= 3 * MIB
    assert all(run.measured.seconds > 0 and run.measured.memory > MIB for run in runs)


def test_both_ways_of_publishing_are_measured_in_every_round(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    runs = publishing.compare(image_in(tmp_path), tmp_path / "scratch", 1)

    assert [run.contender for run in runs] == ["dcdist", "zstd, sha256sum"]
    assert all(run.measured.cpu_seconds > 0 for run in runs)
