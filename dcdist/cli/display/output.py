"""Where a command writes: plain lines or JSON lines, each flushed at once.

Standard output gets the results, standard error what is wrong.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.shown_text import printable

if TYPE_CHECKING:
    from dcdist.cli.faults import Fault, FaultStyle, Json


def say(text: str = "") -> None:
    """One line, or several, for people."""
    _print(printable(text))


def emit(record: dict[str, Json]) -> None:
    """One JSON object on a line."""
    _print(json.dumps(record))


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError as error:
        error.filename = error.filename or "standard output"
        raise


def warn(text: str) -> None:
    """A warning for people, on standard error."""
    with suppress(OSError):
        print(printable(text), file=sys.stderr, flush=True)


def tell_fault(fault: Fault, style: FaultStyle) -> None:
    """Say why the command failed."""
    if style.as_json:
        emit({**fault.record(), "trace": fault.trace} if style.debug and fault.trace else fault.record())
        return
    if style.debug and fault.trace:
        warn(fault.trace.rstrip())
    warn(f"dcdist: {fault.message}")
    if fault.hint:
        warn(fault.hint)


def prepare() -> None:
    """Write even names that the terminal cannot show, with escapes."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def nobody_reads() -> None:
    """After a broken pipe: discard what the interpreter would flush at its end, without a complaint."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
