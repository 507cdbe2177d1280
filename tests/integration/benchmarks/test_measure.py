"""One measured run: all that a client starts is counted, and failures are told."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.contenders import environment
from benchmarks.measure import BenchmarkError, Command, measure

if TYPE_CHECKING:
    from pathlib import Path

LEAVES_A_CHILD = """
import os, sys
read, write = os.pipe()
if os.fork() == 0:
    os.setsid()
    sum(range(20_000_000))
    hoard = bytearray(64 << 20)
    for place in range(0, len(hoard), 4096):
        hoard[place] = 1
    sum(range(20_000_000))
    os._exit(0)
open(sys.argv[1], "w").write("done")
"""


def command_of(tmp_path: Path, script: str) -> Command:
    """A Python script as a client."""
    output = tmp_path / "images" / "image"
    output.parent.mkdir()
    return Command([sys.executable, "-c", script, str(output)], environment(), output)


def test_what_a_client_leaves_behind_is_waited_for_and_counted(tmp_path: Path) -> None:
    command = command_of(tmp_path, LEAVES_A_CHILD)
    measured = measure(command, sync=tmp_path / "images", log=tmp_path / "log")
    assert command.output.read_text() == "done"
    assert measured.cpu_seconds > 0.1
    assert measured.own_memory > 64 << 20
    assert measured.memory >= measured.own_memory


def test_a_client_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    command = command_of(tmp_path, "import sys; sys.exit('no such image')")
    with pytest.raises(BenchmarkError, match="no such image"):
        measure(command, sync=tmp_path / "images", log=tmp_path / "log")
