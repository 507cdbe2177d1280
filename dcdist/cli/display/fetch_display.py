"""Shows how a fetch goes: a live display on a terminal, lines in a log, JSON for programs."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from dcdist.cli.display.output import emit, say
from dcdist.cli.display.records import record
from dcdist.cli.display.three_ways import live_bars, one_of_three
from dcdist.cli.display.throttle import FOR_PROGRAMS, IN_A_LOG, Throttle
from dcdist.cli.display.words import line, percent, progress
from dcdist.engine.fetch_events import ImageChecked, LayerChecked, Progress, Trouble, Troubled
from dcdist.model.quantities import show_duration
from dcdist.shown_text import on_one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from dcdist.cli.faults import Json
    from dcdist.engine.fetch_events import Fetched, FetchEvent

_Often = Progress | LayerChecked | ImageChecked


_SAME = 60.0
"""Seconds between two lines of progress in a log that say the same."""


@dataclass(frozen=True, slots=True)
class SeedingChild:
    """The process that goes on giving to other hosts for `seconds`, and the path of its log.

    `waited_for`: why the command ends only after it; empty if it ends at once.
    """

    pid: int
    seconds: float
    log: str
    waited_for: str = ""


class FetchDisplay(Protocol):
    """Shows the events of a fetch."""

    def report(self, event: FetchEvent) -> None:
        """Something happened."""
        ...

    def finish(self, fetched: Fetched, seeding: SeedingChild | None) -> None:
        """All is here; `seeding` goes on, or nothing does."""
        ...


def fetch_display(*, as_json: bool) -> AbstractContextManager[FetchDisplay]:
    """The display that suits standard output."""
    return one_of_three(as_json=as_json, json=JsonLines, terminal=_terminal, lines=PlainLines)


class JsonLines:
    """Every event as a record; progress about once a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = Throttle(FOR_PROGRAMS, clock)

    def report(self, event: FetchEvent) -> None:
        """Print it."""
        if not isinstance(event, _Often) or self._throttle.passes():
            emit(record(event))

    def finish(self, fetched: Fetched, seeding: SeedingChild | None) -> None:
        """`fetched` comes last."""
        if seeding is not None:
            told: dict[str, Json] = {"seconds": seeding.seconds, "pid": seeding.pid, "log": seeding.log}
            emit({"event": "seeding", **told, "foreground": bool(seeding.waited_for)})
        emit(record(fetched))


class PlainLines:
    """News at once, progress now and then; and a store that fails again and again now and then only."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._progress = Throttle(IN_A_LOG, clock)
        self._clock = clock
        self._same = Throttle(_SAME, clock)
        self._last = ""
        self._store_troubles = Throttle(IN_A_LOG, clock, at_once=True)

    def report(self, event: FetchEvent) -> None:
        """Print it."""
        if not isinstance(event, _Often):
            if self.is_news(event):
                say(line(event))
        elif self._progress.passes():
            self._say_unless_the_same(line(event))

    def is_news(self, event: FetchEvent) -> bool:
        """Whether to show it: all but what a store repeats."""
        repeats = isinstance(event, Troubled) and event.kind is Trouble.STORE
        return not repeats or self._store_troubles.passes()

    def _say_unless_the_same(self, text: str) -> None:
        """A host that only waits would say the same again and again."""
        if text != self._last:
            self._same = Throttle(_SAME, self._clock)
        elif not self._same.passes():
            return
        self._last = text
        say(text)

    def finish(self, fetched: Fetched, seeding: SeedingChild | None) -> None:
        """The sums, and what goes on."""
        say(line(fetched))
        if seeding is not None:
            say(seeding_line(seeding, datetime.now().astimezone()))


def seeding_line(seeding: SeedingChild, now: datetime) -> str:
    """What goes on, until when, and how to stop it."""
    until = (now + timedelta(seconds=seeding.seconds)).strftime("%H:%M:%S")
    if seeding.waited_for:
        return (
            f"giving to other hosts for {show_duration(seeding.seconds)}, until {until} (log: {seeding.log}); this "
            f"command waits for that, since {seeding.waited_for}\n  to end it: Ctrl-C or SIGTERM; --seed-for 0 omits it"
        )
    return (
        f"process {seeding.pid} keeps seeding for {show_duration(seeding.seconds)}, until {until} "
        f"(log: {seeding.log})\n  to stop it: kill {seeding.pid}"
    )


@contextmanager
def _terminal() -> Iterator[FetchDisplay]:
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn

    columns = (BarColumn(bar_width=20), TaskProgressColumn(), TextColumn("{task.description}", markup=False))
    with live_bars(*columns) as (bars, console):
        task = bars.add_task("asking the store", total=None)

        class Terminal(PlainLines):
            def report(self, event: FetchEvent) -> None:
                if isinstance(event, Progress):
                    bars.update(task, total=100, completed=percent(event), description="\n".join(progress(event)))
                elif isinstance(event, LayerChecked):
                    bars.update(task, total=event.length, completed=event.checked, description="checking the cache")
                elif isinstance(event, ImageChecked):
                    told = f"reading {on_one_line(event.name)} in the destination"
                    bars.update(task, total=event.size, completed=event.checked, description=told)
                elif self.is_news(event):
                    style = "yellow" if isinstance(event, Troubled) else None
                    console.print(line(event), style=style)

            def finish(self, fetched: Fetched, seeding: SeedingChild | None) -> None:
                bars.stop()
                super().finish(fetched, seeding)

        yield Terminal()
