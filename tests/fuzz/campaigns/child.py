"""The process that fuzzes one target until it is told to end.

`python -m tests.fuzz.campaigns.child TARGET [OF LIBFUZZER...]`

Each second one line on standard output has the executions and the seconds of processor time so far;
libFuzzer tells the rest on standard error.
Invariant: an input that takes too long or too much memory is a finding, like one that raises.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import atheris

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS_LIMIT = 3.0
"""The most processor time of one input: the clock would count what other programs take."""

MEMORY_LIMIT = 512 << 20
"""The most bytes of address space beyond what the process has before the first input."""

_BESIDES = {"ova": ["xmlrpc"], "answers": ["email"], "heartbeat": ["ipaddress"]}
"""Packages whose code counts for a target, besides that of dcdist."""

_BETWEEN_LOOKS = 256


class TooSlowError(Exception):
    """An input took longer than any should."""


def main() -> None:
    """Fuzz; never returns."""
    with atheris.instrument_imports(include=["dcdist", *_BESIDES.get(sys.argv[1], [])]):
        # This one alone: code of the others would cost time with each input.
        target = import_module(f"tests.fuzz.targets.{sys.argv[1]}").TARGET
    run: Callable[[bytes], None] = target.run
    gc.freeze()
    executions, told = 0, time.monotonic()

    def one(data: bytes) -> None:
        nonlocal executions, told
        executions += 1
        started = time.process_time()
        run(data)
        taken = time.process_time() - started
        if taken > SECONDS_LIMIT:
            raise TooSlowError(f"an input of {len(data)} bytes took {taken:.1f} s of processor time")
        if executions % _BETWEEN_LOOKS == 0 and (now := time.monotonic()) - told >= 1:
            told = now
            sys.stdout.write(f"{executions} {time.process_time():.1f}\n")
            sys.stdout.flush()

    _bound_memory()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], one)
    atheris.Fuzz()


def _bound_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY_LIMIT
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
