"""A run ends when both bounds are reached, and knows a finding from its own end."""

from __future__ import annotations

import asyncio
import math
import sys
from typing import TYPE_CHECKING

from tests.fuzz.campaigns.command import main
from tests.fuzz.campaigns.keeping import worth_keeping
from tests.fuzz.campaigns.record import code, continued, executions_before, is_reached, line, note
from tests.fuzz.campaigns.run import Bounds, Report, fuzz
from tests.fuzz.registry import target

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

QUIET = """
import signal, sys
print("#9 INITED cov: 12 ft: 34 corp: 5/67b exec/s: 0", file=sys.stderr, flush=True)
print("1000 2.5", flush=True)
signal.sigwait({signal.SIGINT})
print("KeyboardInterrupt: stopping.")
print("==7== libFuzzer: run interrupted; exiting", file=sys.stderr)
"""
BROKEN = """
import sys
print("INFO: Seed: 1", file=sys.stderr)
print(" === Uncaught Python exception: ===")
print("KeyError: 'x'")
sys.exit(77)
"""
BLOCKED = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})"


async def run(program: str, executions: int, quiet: float, folder: Path, *, stop: bool = False) -> Report:
    stopped = asyncio.Event()
    if stop:
        stopped.set()
    bounds = Bounds(executions, quiet, math.inf, stopped)
    command = [sys.executable, "-c", f"{BLOCKED}\n{program}"]
    return await fuzz(target("tar"), bounds, folder, lambda text: None, child=command)


def report(*, executions: int = 5, seconds: float = 1, finding: str = "") -> Report:
    """How a run of `tar` ended early."""
    return Report("tar", "2026-11-25", executions, seconds, 1, 1, 1, 1, 1, 1, reached=False, finding=finding)


async def test_a_run_ends_when_both_bounds_are_reached(tmp_path: Path) -> None:
    ended = await run(QUIET, 1000, 0, tmp_path)

    assert (ended.executions, ended.edges, ended.features, ended.inputs) == (1000, 12, 34, 5)
    assert (ended.reached, ended.finding, ended.processor_seconds) == (True, "", 2.5)
    assert len(list((tmp_path / "inputs").iterdir())) > 10


async def test_a_run_that_is_stopped_ends_short_of_its_bounds(tmp_path: Path) -> None:
    ended = await run(QUIET, 1001, 0, tmp_path, stop=True)

    assert (ended.reached, ended.finding) == (False, "")


async def test_what_ends_by_itself_is_a_finding(tmp_path: Path) -> None:
    ended = await run(BROKEN, 0, math.inf, tmp_path)

    assert not ended.reached
    assert ended.finding == " === Uncaught Python exception: ===\nKeyError: 'x'"
    assert "tar: broke" in line(ended)


async def test_the_record_has_the_last_run_of_each_target(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    note(record, await run(QUIET, 1001, 0, tmp_path, stop=True))
    assert not is_reached(record, "tar")
    note(record, await run(QUIET, 1000, 0, tmp_path))

    assert is_reached(record, "tar")
    assert not is_reached(record, "ova")


def test_a_run_goes_on_where_the_last_one_of_the_same_code_ended(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    note(record, report(executions=700, seconds=60))

    assert executions_before(record, "tar") == 700
    assert executions_before(record, "ova") == 0
    assert continued(record, report(executions=300, seconds=30)).executions == 1000
    assert continued(record, report(executions=300, seconds=30)).seconds == 90


def test_what_ended_with_a_finding_or_is_of_other_code_is_not_gone_on_with(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    note(record, report(finding="KeyError"))
    assert executions_before(record, "tar") == 0

    note(record, report())
    record.write_text(record.read_text().replace(code("tar"), "0" * 16))
    assert executions_before(record, "tar") == 0


def test_the_smallest_inputs_that_take_every_step_are_kept() -> None:
    plain, long, other = b"\x01a", b"\x01aaa", b"\x02"

    assert worth_keeping(target("tar"), [long, other, plain]) == [other, plain]


def test_a_kept_input_is_replayed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "crash-1"
    file.write_bytes(b"\x01a")

    assert main(["tar", "--replay", str(file)]) == 0
    assert main(["--list"]) == 0
    assert "tar        dcdist.formats.tar.read_header\n" in capsys.readouterr().out
