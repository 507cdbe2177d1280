"""What the README promises of `tools/quickstart`, on a smaller image."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(300)
def test_quickstart_shows_hosts_that_trade_a_release_and_its_update(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.lab.quickstart", "--hosts", "3", "--size", "96MiB"]
    done = subprocess.run(
        [*command, "--keep", str(tmp_path / "kept")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("host ")]
    assert [row[1] for row in rows] == ["1", "2", "3", "1", "2", "3"]
    # host N seconds image MB store MB peers MB before MB
    traded, before = [float(row[7]) for row in rows], [float(row[9]) for row in rows]
    assert sum(traded[:3]) > 0
    assert [held > 0 for held in before] == [False] * 3 + [True] * 3
    assert done.stdout.count("every image identical") == 2
