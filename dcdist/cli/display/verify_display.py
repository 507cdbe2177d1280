"""Shows how a verification goes: a bar on a terminal, lines in a log, JSON for programs."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from dcdist.cli.display.output import emit, say
from dcdist.cli.display.quantities import show_bytes
from dcdist.cli.display.records import record
from dcdist.node.verification import Condition, Verifying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.node.verification import ImageVerified, MetadataVerified, VerifyEvent

_EVERY = 10.0
"""Seconds between two lines of progress in a log."""


class VerifyDisplay(Protocol):
    """Who is told of a verification."""

    def report(self, event: VerifyEvent) -> None:
        """Something happened."""
        ...

    def finish(self, release: str, count: int) -> None:
        """All `count` files are as published."""
        ...


@contextmanager
def verify_display(*, as_json: bool) -> Iterator[VerifyDisplay]:
    """The display that suits standard output."""
    if as_json:
        yield _Json()
    elif sys.stdout.isatty():
        with _terminal() as display:
            yield display
    else:
        yield _Lines()


def line(event: ImageVerified | MetadataVerified) -> str:
    """One file, for people."""
    label = {Condition.OK: "ok", Condition.MISSING: "MISSING", Condition.DIFFERS: "DIFFERS"}[event.condition]
    return f"{label:8}{event.title}"


class _Json:
    def report(self, event: VerifyEvent) -> None:
        emit(record(event))

    def finish(self, release: str, count: int) -> None:
        emit({"event": "verified", "release": release, "files": count})


class _Lines:
    def __init__(self) -> None:
        self._next = time.monotonic() + _EVERY

    def report(self, event: VerifyEvent) -> None:
        if not isinstance(event, Verifying):
            say(line(event))
        elif time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY
            say(f"reading {event.name}: {show_bytes(event.done)} of {show_bytes(event.total)}")

    def finish(self, release: str, count: int) -> None:
        say(f"{release}: all {count} files are as published")


@contextmanager
def _terminal() -> Iterator[VerifyDisplay]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(highlight=False, markup=False)
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)

        class Terminal(_Lines):
            def report(self, event: VerifyEvent) -> None:
                if isinstance(event, Verifying):
                    bars.update(task, total=event.total, completed=event.done, description=event.name)
                else:
                    console.print(line(event))

        yield Terminal()
