"""Shows how a verification goes: a bar on a terminal, lines in a log, JSON for programs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, assert_never

from dcdist.cli.display.output import emit, say
from dcdist.cli.display.records import record
from dcdist.cli.display.three_ways import live_bars, one_of_three
from dcdist.cli.display.throttle import IN_A_LOG, Throttle
from dcdist.model.quantities import show_bytes, show_count
from dcdist.model.trouble import Troubled
from dcdist.node.verification import (
    Condition,
    ImageVerified,
    LeftOver,
    MetadataVerified,
    OthersFound,
    Recorded,
    Verifying,
)
from dcdist.shown_text import on_one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from contextlib import AbstractContextManager

    from dcdist.model.identity import ReleaseName
    from dcdist.node.verification import VerifyEvent


_LABELS = {
    Condition.OK: "ok",
    Condition.MISSING: "MISSING",
    Condition.DIFFERS: "DIFFERS",
    Condition.NOT_FETCHED: "-",
}
_EXPLAINED = {Condition.NOT_FETCHED: " (was not asked for)"}
_SHOWN = 5
"""Paths of others that are named."""


class VerifyDisplay(Protocol):
    """Shows the events of a verification."""

    def report(self, event: VerifyEvent) -> None:
        """Something happened."""
        ...

    def finish(self, release: str, count: int) -> None:
        """All `count` files are as published."""
        ...


def verify_display(*, as_json: bool) -> AbstractContextManager[VerifyDisplay]:
    """The display that suits standard output."""
    return one_of_three(as_json=as_json, json=_Json, terminal=_terminal, lines=_Lines)


def line(event: VerifyEvent) -> str:
    """One file, or what else was found, for people."""
    return on_one_line(_line(event))


def _line(event: VerifyEvent) -> str:
    match event:
        case ImageVerified() | MetadataVerified():
            return f"{_LABELS[event.condition]:8}{event.title}{_EXPLAINED.get(event.condition, '')}"
        case Recorded():
            return f"{event.release} is {'complete' if event.complete else 'incomplete'} here, by the folder's record"
        case LeftOver():
            return f"{'EXTRA':8}{event.path} ({event.brought_by} brought it; a fetch of all images removes it)"
        case OthersFound():
            return f"{show_count(event.count, 'file')} not of this demo: {shown(event.paths, event.count)}"
        case Troubled():
            return f"note: {event.message}"
        case Verifying():
            return f"reading {event.name}: {show_bytes(event.done)} of {show_bytes(event.total)}"
        case _:
            assert_never(event)


def _as_published(count: int) -> str:
    """That all files are."""
    return f"all {count} files are as published" if count > 1 else f"{show_count(count, 'file')}, as published"


def advice(release: ReleaseName, found: Collection[Condition], recorded: Recorded | None) -> str:
    """What brings a release whose files are `found` in such conditions; `recorded`: what the folder has of its demo."""
    if recorded is not None and recorded.release != release:
        return f"by its record the folder has {recorded.release}: verify that, or fetch {release}"
    if recorded is not None and not recorded.complete:
        return "the last fetch did not end: run it again, and then verify"
    if Condition.DIFFERS in found:
        return "fetch it again with --check, which brings anew what differs"
    return "fetch it again, which brings what is missing"


def shown(paths: tuple[str, ...], count: int) -> str:
    """The first of `count` paths."""
    first = ", ".join(paths[:_SHOWN])
    return first if count <= _SHOWN else f"{first}, ..."


class _Json:
    def report(self, event: VerifyEvent) -> None:
        emit(record(event))

    def finish(self, release: str, count: int) -> None:
        emit({"event": "verified", "release": release, "files": count})


class _Lines:
    def __init__(self) -> None:
        self._throttle = Throttle(IN_A_LOG)

    def report(self, event: VerifyEvent) -> None:
        if not isinstance(event, Verifying) or self._throttle.passes():
            say(line(event))

    def finish(self, release: str, count: int) -> None:
        say(f"{release}: {_as_published(count)}")


@contextmanager
def _terminal() -> Iterator[VerifyDisplay]:
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn(), TextColumn("{task.description}", markup=False))
    with live_bars(*columns) as (bars, console):
        task = bars.add_task("", total=None)

        class Terminal(_Lines):
            def report(self, event: VerifyEvent) -> None:
                if isinstance(event, Verifying):
                    bars.update(task, total=event.total, completed=event.done, description=on_one_line(event.name))
                else:
                    console.print(line(event))

        yield Terminal()
