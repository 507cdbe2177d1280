"""Shows how a fetch goes: a live display on a terminal, lines in a log, JSON for programs."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from dcdist.cli.display.output import emit, say
from dcdist.cli.display.quantities import printable, show_duration
from dcdist.cli.display.records import record
from dcdist.cli.display.words import line, percent, progress
from dcdist.engine.fetch_events import LayerChecked, Progress, Trouble, Troubled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcdist.engine.fetch_events import Fetched, FetchEvent

_EVERY = 10.0
"""Seconds between two lines of progress in a log."""

_EVERY_JSON = 1.0
"""Seconds between two records of progress."""


@dataclass(frozen=True, slots=True)
class SeedingChild:
    """The process that goes on giving for `seconds`, and the file that it writes its log to."""

    pid: int
    seconds: float
    log: str


class FetchDisplay(Protocol):
    """Who is told of a fetch."""

    def report(self, event: FetchEvent) -> None:
        """Something happened."""
        ...

    def finish(self, fetched: Fetched, seeding: SeedingChild | None) -> None:
        """All is here; `seeding` goes on, or nothing does."""
        ...


@contextmanager
def fetch_display(*, as_json: bool) -> Iterator[FetchDisplay]:
    """The display that suits standard output."""
    if as_json:
        yield JsonLines()
    elif sys.stdout.isatty():
        with _terminal() as display:
            yield display
    else:
        yield PlainLines()


class JsonLines:
    """Every event as a record; progress about once a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._often = Often(_EVERY_JSON, clock)

    def report(self, event: FetchEvent) -> None:
        """Print it."""
        if not isinstance(event, Progress | LayerChecked) or self._often.again():
            emit(record(event))

    def finish(self, fetched: Fetched, seeding: SeedingChild | None) -> None:
        """`fetched` is the last of all."""
        if seeding is not None:
            emit({"event": "seeding", "seconds": seeding.seconds, "pid": seeding.pid, "log": seeding.log})
        emit(record(fetched))


class PlainLines:
    """News at once, progress now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._often = Often(_EVERY, clock)
        self._troubles = Troubles(clock)

    def report(self, event: FetchEvent) -> None:
        """Print it."""
        due = self._often.again() if isinstance(event, Progress | LayerChecked) else self._troubles.is_news(event)
        if due:
            say(line(event))

    def finish(self, fetched: Fetched, seeding: SeedingChild | None) -> None:
        """The sums, and what goes on."""
        say(line(fetched))
        if seeding is not None:
            say(seeding_line(seeding, datetime.now().astimezone()))


def seeding_line(seeding: SeedingChild, now: datetime) -> str:
    """What goes on, until when, and how to stop it."""
    until = (now + timedelta(seconds=seeding.seconds)).strftime("%H:%M:%S")
    return (
        f"process {seeding.pid} goes on giving to other hosts for {show_duration(seeding.seconds)}, until {until} "
        f"(log: {seeding.log})\n  to stop it: kill {seeding.pid}"
    )


class Often:
    """Says yes once in a while: after `seconds`, and then again after as long."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next = clock() + seconds

    def again(self) -> bool:
        """Whether it is time."""
        if self._clock() < self._next:
            return False
        self._next = self._clock() + self._seconds
        return True


class Troubles:
    """Lets a store that fails again and again be told of now and then only; everything else always."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = float("-inf")

    def is_news(self, event: FetchEvent) -> bool:
        """Whether to say it."""
        if not isinstance(event, Troubled) or event.kind is not Trouble.STORE:
            return True
        if self._clock() < self._next:
            return False
        self._next = self._clock() + _EVERY
        return True


@contextmanager
def _terminal() -> Iterator[FetchDisplay]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(highlight=False, markup=False)
    columns = (BarColumn(bar_width=20), TaskProgressColumn(), TextColumn("{task.description}", markup=False))
    with Bars(*columns, console=console, transient=True) as bars:
        task = bars.add_task("asking the store", total=None)

        class Terminal(PlainLines):
            def report(self, event: FetchEvent) -> None:
                if isinstance(event, Progress):
                    bars.update(task, total=100, completed=percent(event), description="\n".join(progress(event)))
                elif isinstance(event, LayerChecked):
                    bars.update(task, total=event.length, completed=event.checked, description="checking the cache")
                elif self._troubles.is_news(event):
                    style = "yellow" if isinstance(event, Troubled) else None
                    console.print(printable(line(event)), style=style)

            def finish(self, fetched: Fetched, seeding: SeedingChild | None) -> None:
                bars.stop()
                super().finish(fetched, seeding)

        yield Terminal()
