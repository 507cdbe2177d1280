"""What a contender's hosts run starts within the measured time: it loads nothing that the contender does not need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.measure import PROJECT


@pytest.mark.parametrize("module", ["agent", "torrent_client"])
def test_what_a_host_runs_loads_neither_plots_nor_dcdist(module: str) -> None:
    code = f"import sys, benchmarks.compare.{module}; print(*sorted({{'matplotlib', 'dcdist'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)

    assert done.stdout.split() == []
