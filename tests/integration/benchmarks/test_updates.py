"""The repeated update, small: two hosts, one round."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks.measure import PROJECT

if TYPE_CHECKING:
    from pathlib import Path


def test_both_versions_are_measured_in_each_round(tmp_path: Path) -> None:
    told = tmp_path / "updates.json"
    small = ["--repeat", "1", "--hosts", "2", "--size", "64MiB", "--bound", "2", "--dir", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "updates", *small, "--json", str(told)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    fetches = json.loads(told.read_text())["fetches"]
    assert [(each["round"], each["version"]) for each in fetches] == [(1, 1), (1, 2)]
    # Without any trade two hosts would take two copies. What only publishers read is new too, and no host draws it.
    assert all(0.98 <= each["copies"] <= 2.0 for each in fetches)
    assert "0 of 2 fetches took more than 2 copies" in done.stdout
    assert [each.name for each in tmp_path.iterdir()] == ["updates.json"]
