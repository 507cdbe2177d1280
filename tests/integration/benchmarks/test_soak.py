"""The soak works: hosts fetch under faults for some seconds, and the report says what was seen."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.timeout(300)
def test_a_short_soak_fetches_under_faults_and_finds_nothing_wrong(tmp_path: Path) -> None:
    report = tmp_path / "soak.json"
    command = [sys.executable, "-m", "benchmarks", "soak", "--minutes", "0.3", "--hosts", "2", "--size", "4MiB"]
    done = subprocess.run(
        [*command, "--json", str(report)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr

    told = json.loads(report.read_text())
    assert told["done"]["fetches"] > 0
    assert sum(told["injected"].values()) > 0
    assert (told["wrong"], told["left_over"]) == ([], [])
    assert set(told["corrupted"]) == {"store", "caches", "peers"}
    assert set(told["growth"]) == {"seeder 1", "seeder 2"}
    assert "wrong: nothing" in done.stdout
