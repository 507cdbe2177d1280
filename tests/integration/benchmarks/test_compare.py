"""The comparison, small: two hosts, seconds; every contender brings the right bytes, and nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).resolve().parents[3]
TOOLS = (
    "ip",
    "tc",
    "nsenter",
    "setpriv",
    "curl",
    "rclone",
    "aria2c",
    "ganesha.nfsd",
    "nfs-cp",
    "opentracker",
    "casync",
)
MISSING = [tool for tool in (*TOOLS, "casync") if which(tool) is None]

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


def command(out: Path, *arguments: str) -> Sequence[str]:
    small = ["--hosts", "2", "--size", "4MiB", "--rate", "100mbit", "--repeat", "1", "--out", str(out)]
    return [sys.executable, "-m", "benchmarks", "compare", *small, *arguments]


@pytest.mark.timeout(300)
def test_every_contender_brings_the_right_bytes(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "--scenarios", "cold,update,late-joiner"),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "comparison.json").read_text())
    assert {race["contender"]: race["failure"] for race in told["races"] if race["failure"]} == {}
    ran = {(race["scenario"], race["contender"]) for race in told["races"]}
    swarms = {"dcdist", "dcdist-egress", "aria2", "bittorrent", "webseeds"}
    assert {name for scenario, name in ran if scenario == "cold"} == swarms | {"rclone", "nfs"}
    assert {name for scenario, name in ran if scenario == "update"} == swarms | {"rclone", "nfs", "casync"}
    assert {name for scenario, name in ran if scenario == "late-joiner"} == swarms
    # The store sends what is asked for at its interface: about one copy a host when nobody trades.
    alone = next(race for race in told["races"] if (race["scenario"], race["contender"]) == ("cold", "rclone"))
    assert 1.9 < alone["store_sent"] / alone["copy"] < 2.3
    assert (tmp_path / "index.html").stat().st_size > 10_000
    assert "over limit" in done.stdout


def test_a_contender_or_scenario_that_does_not_exist_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path, "--scenarios", "hot"), cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "there is no hot" in done.stderr


@pytest.mark.timeout(120)
def test_nothing_is_left_when_it_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        command(tmp_path, "--scenarios", "cold", "--contenders", "bittorrent", "--size", "64MiB"),
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        while "1 of 1" not in process.stderr.readline():
            assert process.poll() is None
        namespace = os.readlink(f"/proc/{process.pid}/ns/mnt")
        while len(_in_namespace(namespace)) < 4:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)

    while _in_namespace(namespace):
        time.sleep(0.05)
    assert namespace != os.readlink("/proc/self/ns/mnt")


def _in_namespace(namespace: str) -> list[int]:
    """The processes of a mount namespace."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/mnt") == namespace:
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.timeout(300)
def test_another_checkout_races_beside_this_one(tmp_path: Path) -> None:
    both = ["--scenarios", "cold,update", "--contenders", "dcdist,before", "--against", str(PROJECT)]
    done = subprocess.run(command(tmp_path, *both), cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "comparison.json").read_text())
    assert [race["failure"] for race in told["races"]] == [None] * 4
    pairs = [(pair["scenario"], pair["contender"], pair["before"]) for pair in told["against"]]
    assert pairs == [("cold", "dcdist", "before"), ("update", "dcdist", "before")]
    assert "cold: dcdist beside before: " in done.stdout
    assert str(PROJECT) not in told["about"]["command"]


@pytest.mark.timeout(120)
def test_a_checkout_that_cannot_read_the_stock_is_named_before_any_race(tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(PROJECT / "dcdist", other / "dcdist", ignore=shutil.ignore_patterns("__pycache__"))
    (other / "dcdist/__main__.py").write_text("raise SystemExit('these formats are not mine')\n")
    one = ["--scenarios", "cold", "--contenders", "before", "--against", str(other)]
    done = subprocess.run(command(tmp_path, *one), cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert (
        "dcdist before --prefer time cannot fetch what this checkout published:\nthese formats are not mine"
        in done.stderr
    )
    assert "1 of 1" not in done.stderr
