"""Shows how a publish goes: a bar on a terminal, lines in a log, JSON for programs; and its summary."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, assert_never

from dcdist.cli.display.output import emit, say, warn
from dcdist.cli.display.quantities import printable, show_bytes
from dcdist.cli.display.records import record
from dcdist.publishing import publish_events

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.publishing import Published, PublishEvent

_EVERY = 10.0
"""Seconds between two lines of progress in a log."""

_EVERY_JSON = 1.0
"""Seconds between two records of progress."""


class PublishDisplay(Protocol):
    """Who is told of a publish."""

    def report(self, event: PublishEvent) -> None:
        """Something happened."""
        ...

    def finish(self, published: Published) -> None:
        """The release is visible."""
        ...


@contextmanager
def publish_display(*, as_json: bool) -> Iterator[PublishDisplay]:
    """The display that suits standard output."""
    if as_json:
        yield _Json()
    elif sys.stdout.isatty():
        with _terminal() as display:
            yield display
    else:
        yield _Lines()


def summary(published: Published) -> str:
    """What was published, for people."""
    release = published.release
    what = f"{release.name}: {len(release.images)} image(s), {show_bytes(release.image_bytes)}"
    if published.existed:
        return f"{what}: published before with the same content; nothing to do"
    return (
        f"{what}, published with serial {release.serial}\n"
        f"  new {show_bytes(published.new)}, found in the store {show_bytes(published.reused)}, "
        f"zeros {show_bytes(published.zeros)}\n"
        f"  uploaded {show_bytes(published.uploaded)}, in {len(published.layers)} new layer(s); the release needs "
        f"{len(release.layers)} layer(s), {show_bytes(release.layer_bytes)}"
    )


def line(event: PublishEvent) -> str | None:
    """A line for a log; None for what needs none."""
    match event:
        case publish_events.Troubled():
            return f"note: {event.message}"
        case publish_events.NotShared():
            return f"not shared with: {event.key}: {event.reason}"
        case publish_events.Resumed():
            return f"going on from an earlier try: {show_bytes(event.size)} are in the store already"
        case publish_events.ImageStarted():
            kind = "an XVA" if event.xva else "not an XVA, taken as it is"
            size = f"{show_bytes(event.size)}, " if event.size is not None else ""
            return f"reading {event.name} ({size}{kind})"
        case publish_events.PublishProgress():
            return f"{progress(event)}"
        case publish_events.ImagePublished():
            return (
                f"{event.name} is in order: {show_bytes(event.size)}, of which new {show_bytes(event.new)}, "
                f"found in the store {show_bytes(event.reused)}, zeros {show_bytes(event.zeros)}"
            )
        case publish_events.LayerMoved():
            return (
                f"layer {event.layer} is mostly unused: {show_bytes(event.moved)} of its {show_bytes(event.length)} "
                "move to new layers"
            )
        case publish_events.LayerFinished():
            return None
        case _:
            assert_never(event)


def progress(event: publish_events.PublishProgress) -> str:
    """How far it is."""
    of = f" of {show_bytes(event.total)}" if event.total is not None else ""
    return f"read {show_bytes(event.read)}{of}, uploaded {show_bytes(event.uploaded)}"


class _Often:
    """Lets one progress pass in a while."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def passes(self, event: PublishEvent) -> bool:
        if not isinstance(event, publish_events.PublishProgress):
            return True
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True


class _Json:
    def __init__(self) -> None:
        self._often = _Often(_EVERY_JSON)

    def report(self, event: PublishEvent) -> None:
        if self._often.passes(event):
            emit(record(event))

    def finish(self, published: Published) -> None:
        release = published.release
        emit(
            {
                "event": "published",
                "release": str(release.name),
                "serial": release.serial,
                "existed": published.existed,
                "images": [{"name": image.name, "bytes": image.size} for image in release.images],
                "layers": len(release.layers),
                "new_layers": len(published.layers),
                "bytes": {
                    "images": release.image_bytes,
                    "layers": release.layer_bytes,
                    "new": published.new,
                    "reused": published.reused,
                    "zeros": published.zeros,
                    "uploaded": published.uploaded,
                },
            }
        )


class _Lines:
    def __init__(self) -> None:
        self._often = _Often(_EVERY)

    def report(self, event: PublishEvent) -> None:
        if not self._often.passes(event):
            return
        text = line(event)
        if text is not None:
            (warn if isinstance(event, publish_events.NotShared | publish_events.Troubled) else say)(text)

    def finish(self, published: Published) -> None:
        say(summary(published))


@contextmanager
def _terminal() -> Iterator[PublishDisplay]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(highlight=False, markup=False)
    columns = (BarColumn(), TextColumn("{task.description}", markup=False), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)

        class Terminal:
            def report(self, event: PublishEvent) -> None:
                if isinstance(event, publish_events.PublishProgress):
                    bars.update(task, total=event.total, completed=event.read, description=progress(event))
                elif text := line(event):
                    console.print(printable(text))

            def finish(self, published: Published) -> None:
                bars.stop()
                say(summary(published))

        yield Terminal()
