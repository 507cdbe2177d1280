"""What the benchmarks make of their runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.measure import Measurement
from benchmarks.report import Run, Spread, rows, table, write_json

if TYPE_CHECKING:
    from pathlib import Path

GIBIBYTE = 1 << 30


def run_of(contender: str, number: int, seconds: float) -> Run:
    """One round with round figures."""
    return Run(contender, "loopback", number, Measurement(seconds, 2 * seconds, 100 << 20, 50 << 20))


RUNS = [run_of("dcdist", 0, 4.0), run_of("curl", 0, 6.0), run_of("curl", 1, 2.0), run_of("dcdist", 1, 1.0)]


def test_a_ratio_compares_medians_with_the_baseline() -> None:
    found = rows([*RUNS, run_of("dcdist", 2, 2.0)], size=GIBIBYTE, baseline="curl")
    assert [(row.contender, row.seconds, row.ratio) for row in found] == [
        ("dcdist", Spread(2.0, 1.0, 4.0), 2.0),
        ("curl", Spread(4.0, 2.0, 6.0), 1.0),
    ]


def test_speed_is_in_image_bytes_and_cost_by_the_gibibyte() -> None:
    row = rows([run_of("curl", 0, 2.0)], size=GIBIBYTE // 2, baseline="curl")[0]
    assert round(row.megabytes_per_second.median, 3) == 268.435
    assert (row.cpu_seconds_per_gibibyte.median, row.memory.median, row.own_memory.median) == (8.0, 100.0, 50.0)


def test_there_is_no_ratio_without_the_baseline() -> None:
    found = rows([run_of("dcdist", 0, 2.0)], size=GIBIBYTE, baseline="curl")
    assert found[0].ratio is None
    assert "dcdist" in table(found)


def test_the_json_has_every_run_and_row(tmp_path: Path) -> None:
    found = rows(RUNS, size=GIBIBYTE, baseline="curl")
    write_json(tmp_path / "out.json", about={"benchmark": "host"}, runs=RUNS, found=found)
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["benchmark"] == "host"
    assert [(run["contender"], run["measured"]["seconds"]) for run in content["runs"]] == [
        ("dcdist", 4.0),
        ("curl", 6.0),
        ("curl", 2.0),
        ("dcdist", 1.0),
    ]
    assert content["rows"][1]["seconds"] == {"median": 4.0, "least": 2.0, "most": 6.0}
