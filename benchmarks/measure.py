"""One measured run of one client: time, CPU, memory, and whether what it brought is right."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROJECT = Path(__file__).resolve().parents[1]


class BenchmarkError(Exception):
    """A benchmark cannot be run, or a client failed; the message has the client's last words."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and the file that it shall bring."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    output: Path


@dataclass(frozen=True, slots=True)
class Measurement:
    """Of a client and all processes that it started: wall seconds with the sync, CPU seconds, and peaks in bytes.

    `memory` is the peak PSS; `own_memory` that without pages of mapped files.
    """

    seconds: float
    cpu_seconds: float
    memory: int
    own_memory: int


def measure(command: Command, *, sync: Path, log: Path, prefix: Sequence[str] = ()) -> Measurement:
    """Run a client; `prefix` puts it elsewhere, as in a network namespace.

    Raises:
        BenchmarkError: It failed, or left processes behind that do not end.
    """
    order = {
        "command": list(command.arguments),
        "environment": dict(command.environment),
        "sync": str(sync),
        "log": str(log),
    }
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "benchmarks.runner"],
        input=json.dumps(order),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BenchmarkError(f"{command.arguments[0]} could not be run: {done.stderr.strip()}")
    result = json.loads(done.stdout)
    if result["code"] or not result["ended"]:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        what = f"failed ({result['code']})" if result["code"] else "left processes behind"
        raise BenchmarkError(f"{' '.join(command.arguments)} {what}:\n{tail}")
    return Measurement(
        seconds=result["seconds"],
        cpu_seconds=result["cpu_seconds"],
        memory=result["peak_memory"],
        own_memory=result["peak_own_memory"],
    )
