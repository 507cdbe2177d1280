"""The lab's Swift itself: it is real, keeps its data, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcdist.store import open_store
from tools.lab.swift import Swift, SwiftError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0


def _wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def _processes_of(directory: Path) -> list[str]:
    """The processes that name the directory on their command lines, or write below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(directory).encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def _start_alone(directory: Path) -> tuple[subprocess.Popen[str], dict[str, str]]:
    command = [sys.executable, "-m", "tools.lab.swift", "--dir", str(directory)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline().strip() for _ in range(3)]
    return process, dict(line.removeprefix("export ").split("=", 1) for line in lines)


def _answers(environment: dict[str, str]) -> bool:
    try:
        url = environment["ST_AUTH"].replace("/auth/v1.0", "/healthcheck")
        with urllib.request.urlopen(url, timeout=10) as response:
            return bool(response.read() == b"OK")
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_whoever_started_it(tmp_path: Path, number: signal.Signals) -> None:
    directory = tmp_path / "swift"
    process, environment = _start_alone(directory)
    try:
        assert _answers(environment)
        assert len(_processes_of(directory)) >= 5
        process.send_signal(number)
        _wait_until(lambda: not _processes_of(directory))
        assert not _answers(environment)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


async def test_data_stay_when_it_is_started_again(tmp_path: Path) -> None:
    for turn in range(2):
        with Swift(tmp_path / "swift") as swift:
            async with open_store("swift://kept", environment=swift.environment) as store:
                if turn == 0:
                    await store.put("key", b"kept")
                assert await store.get("key", limit=10) == b"kept"


def test_a_busy_port_is_an_error_at_once(swift: Swift, tmp_path: Path) -> None:
    port = int(swift.url.rpartition(":")[2])

    with pytest.raises(SwiftError, match="in use"), Swift(tmp_path / "second", port):
        pass


def test_a_server_that_dies_takes_the_others_with_it(tmp_path: Path) -> None:
    with Swift(tmp_path / "swift") as swift:
        assert _answers(swift.environment)
        newest = max(_processes_of(tmp_path / "swift"), key=int)
        os.kill(int(newest), signal.SIGKILL)
        _wait_until(lambda: not _processes_of(tmp_path / "swift"))
