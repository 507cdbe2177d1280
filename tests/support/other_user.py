"""What another user of the same machine does: commands and file calls as `nobody`, from a test that runs as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NOBODY = 65534
"""The user id and group id of `nobody` on Debian and most others."""

needs_another_user = pytest.mark.skipif(os.geteuid() != 0, reason="acting as another user needs root")


def run_as_nobody(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the system as nobody, to its end. Our own Python may be out of that user's reach."""
    return subprocess.run(
        command, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True, timeout=30, check=False
    )


def do_as_nobody(work: Callable[[], None]) -> None:
    """Do `work` in a copy of this process that became nobody; fails if it raises."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            work()
            code = 0
        except BaseException:
            os.write(2, traceback.format_exc().encode(errors="backslashreplace"))
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


@contextmanager
def locked_by_nobody(path: Path) -> Iterator[None]:
    """Nobody has opened the file to read, and holds its lock."""
    command = ["flock", "--nonblock", str(path), "sh", "-c", "echo locked; read line"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, user=NOBODY, group=NOBODY, extra_groups=[], stdin=pipe, stdout=pipe, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            holder.stdin.close()


@contextmanager
def open_ground() -> Iterator[Path]:
    """A folder that every user can reach, and only this one can write to: those of pytest are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="dcdist-attack-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
