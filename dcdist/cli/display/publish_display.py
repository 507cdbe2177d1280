"""Shows how a publish goes: a bar on a terminal, lines in a log, JSON for programs; and its summary."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, assert_never

from dcdist.cli.display.output import emit, say, warn
from dcdist.cli.display.records import record
from dcdist.cli.display.three_ways import live_bars, one_of_three
from dcdist.cli.display.throttle import FOR_PROGRAMS, IN_A_LOG, Throttle
from dcdist.model.quantities import show_bytes, show_count
from dcdist.publishing import publish_events
from dcdist.shown_text import on_one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from dcdist.cli.faults import Json
    from dcdist.publishing import Published, PublishEvent


_WARNINGS = (
    publish_events.Troubled,
    publish_events.NotShared,
    publish_events.LeftAlone,
    publish_events.LinesDropped,
)


class PublishDisplay(Protocol):
    """Shows the events of a publish."""

    def report(self, event: PublishEvent) -> None:
        """Something happened."""
        ...

    def finish(self, published: Published) -> None:
        """The release is visible."""
        ...


def publish_display(*, as_json: bool) -> AbstractContextManager[PublishDisplay]:
    """The display that suits standard output."""
    return one_of_three(as_json=as_json, json=_Json, terminal=_terminal, lines=_Lines)


def summary(published: Published) -> str:
    """What was published, for people."""
    release = published.release
    what = f"{release.name}: {show_count(len(release.images), 'image')}, {show_bytes(release.image_bytes)}"
    if published.existed:
        return f"{what}: already published with the same content; nothing to do"
    return (
        f"{what}, published with serial {release.serial} of line {release.line}{_news_of_line(published)}\n"
        f"  new {show_bytes(published.new)}, found in the store {show_bytes(published.reused)}, "
        f"zeros {show_bytes(published.zeros)}\n"
        f"  uploaded {show_bytes(published.uploaded)}, in {show_count(len(published.layers), 'new layer')}; "
        f"the release needs {show_count(len(release.layers), 'layer')}, {show_bytes(release.layer_bytes)}"
    )


def _news_of_line(published: Published) -> str:
    """What is new about the line, which hosts follow from their first fetch on."""
    if not published.new_line:
        return ""
    replaced = published.release.replaces
    return f", which is new and replaces {', '.join(replaced)}" if replaced else ", which is new"


def published_record(published: Published) -> dict[str, Json]:
    """What was published, for programs."""
    release = published.release
    return {
        "event": "published",
        "release": str(release.name),
        "serial": release.serial,
        "line": release.line,
        "new_line": published.new_line,
        "replaces": list(release.replaces),
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


def line(event: PublishEvent) -> str | None:
    """A line for a log; None for an event that needs none."""
    text = _line(event)
    return None if text is None else on_one_line(text)


def _line(event: PublishEvent) -> str | None:
    match event:
        case publish_events.Troubled():
            return f"note: {event.message}"
        case publish_events.NotShared():
            return f"passed over: {event.key}: {event.reason}"
        case publish_events.LeftAlone():
            return f"left alone: {event.key}: {event.reason}"
        case publish_events.LinesDropped():
            return (
                f"hosts that follow the line {' or '.join(event.lines)} will not follow this release: a release can "
                "replace 16 lines"
            )
        case publish_events.Resumed():
            return f"resuming an earlier try: {show_bytes(event.size)} are in the store already"
        case publish_events.ImageStarted():
            size = f"{show_bytes(event.size)}, " if event.size is not None else ""
            return f"reading {event.name} ({size}{_treatment(event)})"
        case publish_events.PublishProgress():
            return progress(event)
        case publish_events.ImagePublished():
            return (
                f"{event.name} is complete: {show_bytes(event.size)}, of which {show_bytes(event.new)} new, "
                f"{show_bytes(event.reused)} found in the store, {show_bytes(event.zeros)} zeros"
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


def _treatment(event: publish_events.ImageStarted) -> str:
    """What is done with an image, and why."""
    if event.xva:
        return "checked as an XVA"
    looks = f"looks like {event.looks_like}" if event.looks_like else "not an XVA"
    if event.compressed:
        return f"{looks}: published as it is, unchecked, and shares nothing with other versions; unpack it to share"
    return f"{looks}, published as it is"


class _Json:
    def __init__(self) -> None:
        self._throttle = Throttle(FOR_PROGRAMS, at_once=True)

    def report(self, event: PublishEvent) -> None:
        if not isinstance(event, publish_events.PublishProgress) or self._throttle.passes():
            emit(record(event))

    def finish(self, published: Published) -> None:
        emit(published_record(published))


class _Lines:
    def __init__(self) -> None:
        self._throttle = Throttle(IN_A_LOG, at_once=True)

    def report(self, event: PublishEvent) -> None:
        if isinstance(event, publish_events.PublishProgress) and not self._throttle.passes():
            return
        text = line(event)
        if text is not None:
            (warn if isinstance(event, _WARNINGS) else say)(text)

    def finish(self, published: Published) -> None:
        say(summary(published))


@contextmanager
def _terminal() -> Iterator[PublishDisplay]:
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), TextColumn("{task.description}", markup=False), TimeRemainingColumn())
    with live_bars(*columns) as (bars, console):
        task = bars.add_task("", total=None)

        class Terminal:
            def report(self, event: PublishEvent) -> None:
                if isinstance(event, publish_events.PublishProgress):
                    bars.update(task, total=event.total, completed=event.read, description=progress(event))
                elif text := line(event):
                    console.print(text)

            def finish(self, published: Published) -> None:
                bars.stop()
                say(summary(published))

        yield Terminal()
