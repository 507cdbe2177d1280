"""Where a command's words go: plain lines or JSON lines, each out at once.

Standard output has the results, standard error has what is wrong.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.cli.display.quantities import printable

if TYPE_CHECKING:
    from dcdist.cli.faults import Fault, Json


def say(text: str = "") -> None:
    """One line, or several, for people."""
    print(printable(text), flush=True)


def emit(record: dict[str, Json]) -> None:
    """One JSON object on a line."""
    print(json.dumps(record), flush=True)


def warn(text: str) -> None:
    """Something that people should know, beside the results."""
    with suppress(OSError):
        print(printable(text), file=sys.stderr, flush=True)


def tell_fault(fault: Fault, *, as_json: bool, debug: bool) -> None:
    """Say why the command failed."""
    if as_json:
        emit({**fault.record(), "trace": fault.trace} if debug and fault.trace else fault.record())
        return
    if debug and fault.trace:
        warn(fault.trace.rstrip())
    warn(f"dcdist: {fault.message}")


def prepare() -> None:
    """Let names that a terminal cannot show be written nonetheless."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def nobody_reads() -> None:
    """After a broken pipe: what the interpreter would still flush at its end goes nowhere, without a complaint."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
