"""The tables of docs/simulator.md are made by one command, in their places."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from benchmarks import sim
from benchmarks.measure import PROJECT, BenchmarkError
from benchmarks.sim import documented, plots
from benchmarks.sim.calibration import Difference
from benchmarks.sim.fleet import Figures

if TYPE_CHECKING:
    from pathlib import Path

UPDATES = [
    Figures(each, 39, 125.0, 1.0684, 1.0629, 1.004, 1.0, 2.0, 1040.2, 14615, 0.0012, 72.0, {"own": 1.0}, (), 9.0, "abc")
    for each in documented.FLEETS["update"]
]


def test_a_fleet_is_one_row_that_names_what_is_unusual() -> None:
    exact = UPDATES[-1]
    odd = replace(exact, fleet=replace(exact.fleet, seed=2, epoch=0.005))
    assert documented.fleets_table([UPDATES[0], odd]).splitlines()[2:] == [
        "| 10 | 10 Gbit/s | 39 | 1.068 | 1.063 | 1.00 | 1,040 (14,615) | 0.1 % |",
        "| 10,000 (1 MiB, seed 2, steps of 5 ms) | 10 Gbit/s | 39 | 1.068 | 1.063 | 1.00 | 1,040 (14,615) | 0.1 % |",
    ]


def test_a_real_round_stands_beside_the_simulated_ones() -> None:
    found = Difference("cold", "time", 1, 8, 1 << 27, 2.7, 28.5, 1.09, 27.4, 1.0, (27.0, 28.0), 25.6)
    assert documented.calibration_table([found]).splitlines()[2:] == [
        "| cold, time | 8 | 2.7 | 28.5 | 1.09 | 27.4 | 1.00 | -3.9 % | -10.2 % | -8.3 % |",
    ]


@pytest.mark.parametrize("name", documented.NAMES)
def test_the_document_has_a_place_for_each_table(name: str) -> None:
    document = (PROJECT / "docs" / "simulator.md").read_text()
    assert "\nanother table\n" in documented.replaced(document, name, "another table\n")


def test_a_document_without_the_place_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="no place for the table 'update'"):
        documented.replaced("# Nothing\n", "update", "a table\n")


def test_one_command_replaces_a_table_and_leaves_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "write", lambda *_: None)
    sim._write(tmp_path, "fleets", [asdict(each) for each in UPDATES])
    document = tmp_path / "document.md"
    document.write_text("before\n<!-- table: update -->\nold\n<!-- end of table -->\nafter\n")
    parser = argparse.ArgumentParser()
    sim.add_arguments(parser)
    options = ["--table", "update", "--keep", "--out", str(tmp_path), "--into", str(document)]
    assert sim.run(parser.parse_args(options)) == 0

    lines = document.read_text().splitlines()
    assert lines[:2] == ["before", "<!-- table: update -->"]
    assert lines[2:4] == ["Commit abc:", ""]
    assert lines[4:-2] == documented.fleets_table(UPDATES).splitlines()
    assert lines[-2:] == ["<!-- end of table -->", "after"]
