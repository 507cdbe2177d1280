"""Figures of simulated fleets survive being written, and what was written is not run again."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from benchmarks import sim
from benchmarks.measure import BenchmarkError
from benchmarks.sim import plots
from benchmarks.sim.fleet import Event, Figures, Fleet, from_json

if TYPE_CHECKING:
    from pathlib import Path

FIGURES = Figures(
    Fleet(Event.UPDATE, 10, 1e9, 10e9, 60_000_000_000, 4 << 20, "egress", 0.97),
    *(10, 125.0, 1.5, 1.25, 1.0, 1.0, 2.0, 3.0, 4, 0.5, 9.0),
    {"own": 1.0},
    ((1.0, 0.25, 0.125), (2.0, 0.5, 0.25)),
    12.5,
)


def test_figures_that_were_written_are_read_as_they_were() -> None:
    assert from_json(json.loads(json.dumps([asdict(FIGURES)]))) == [FIGURES]


def run(folder: Path) -> int:
    parser = argparse.ArgumentParser()
    sim.add_arguments(parser)
    what = ["--event", "update", "--hosts", "10", "--rate", "1gbit", "--store-rate", "10gbit"]
    return sim.run(parser.parse_args([*what, "--keep", "--out", str(folder)]))


def test_what_was_run_before_is_shown_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plotted: list[Figures] = []
    monkeypatch.setattr(plots, "write", lambda found, _: plotted.extend(found))
    (tmp_path / "fleets.json").write_text(json.dumps([asdict(FIGURES)]))
    assert run(tmp_path) == 0
    assert plotted == [FIGURES]
    assert "update, 10 hosts of 1 Gbit/s" in capsys.readouterr().out
    assert from_json(json.loads((tmp_path / "fleets.json").read_text())) == [FIGURES]


def test_a_file_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "fleets.json").write_text('[{"other": 1}]')
    with pytest.raises(BenchmarkError, match="no figures"):
        run(tmp_path)
    assert "other" in (tmp_path / "fleets.json").read_text()
