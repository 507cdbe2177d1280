"""What a soak calls left over: a fetch that has not ended when its time to seed and to end is over, and no other."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.soak.watch import left_over

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WAIT_FOR_INPUT = "import sys; print(flush=True); sys.stdin.read()"


@contextmanager
def like_a_fetch(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has the command line of a fetch into `folder`, and ends when its input does."""
    command = [sys.executable, "-c", WAIT_FOR_INPUT, "-m", "dcdist", "fetch", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # its command line shows for sure only when it runs
        yield process


def test_a_fetch_that_stays_is_left_over_and_named(tmp_path: Path) -> None:
    with like_a_fetch(tmp_path) as process:
        (found,) = left_over(str(tmp_path), patience=0.0)
    assert found.startswith(f"{process.pid} ")


def test_a_fetch_that_ends_by_itself_is_waited_for(tmp_path: Path) -> None:
    with like_a_fetch(tmp_path) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert left_over(str(tmp_path)) == []


def test_processes_of_other_folders_are_not_of_the_soak(tmp_path: Path) -> None:
    with like_a_fetch(tmp_path / "other"):
        assert left_over(str(tmp_path / "soak"), patience=0.0) == []
