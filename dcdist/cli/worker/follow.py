"""Shows the events of the process that does a fetch, until all images are here or it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.cli.display.fetch_display import SeedingChild, fetch_display
from dcdist.cli.display.output import warn
from dcdist.cli.display.records import fetch_event
from dcdist.cli.faults import Fault, InterruptedByUserError, ReportedError, died, interrupted
from dcdist.cli.worker.surroundings import tell_ready
from dcdist.engine.fetch_events import Fetched, Seeding

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.cli.display.fetch_display import FetchDisplay
    from dcdist.cli.worker.handle import Child


def follow(child: Child, *, as_json: bool, stay: str, log: Callable[[Fault], None]) -> None:
    """Return when the images are here, with the child seeding or ended.

    With `stay`, a reason for people, return only when the child has ended. `log` gets the fault of a child that died or
    was killed.

    Raises:
        ReportedError: The fetch failed, or the child died.
        InterruptedByUserError: A signal ended it.
    """
    with fetch_display(as_json=as_json) as display:
        try:
            _follow(child, display, stay, log)
        except ReportedError as error:
            if child.interrupted:
                raise InterruptedByUserError(child.interrupted, f"ended by a signal; {error}") from error
            raise


def _follow(child: Child, display: FetchDisplay, stay: str, log: Callable[[Fault], None]) -> None:
    fetched: Fetched | None = None
    for record in child.records():
        if record.get("event") == "error":
            child.wait()
            raise ReportedError(Fault.from_record(record))
        event = fetch_event(record)
        if isinstance(event, Fetched):
            # Shown last of all: only then is it known whether the child goes on.
            fetched = event
        elif isinstance(event, Seeding) and fetched is not None and not child.interrupted:
            if not stay:
                child.let_go()
            tell_ready()
            display.finish(fetched, SeedingChild(child.pid, event.seconds, str(record.get("log")), stay))
            if stay and (fault := child.wait()) is not None and not child.interrupted:
                log(fault)
                warn(f"dcdist: the seeding ended before its time: {fault.message}")
            return
        elif event is not None and not isinstance(event, Seeding):
            display.report(event)
    fault = child.wait()
    if child.interrupted:
        if child.was_killed:
            log(interrupted(child.interrupted))
        raise InterruptedByUserError(child.interrupted)
    if fetched is None or fault is not None:
        fault = fault or died(0)
        log(fault)
        raise ReportedError(fault)
    tell_ready()  # nothing seeds, so no event has said so before
    display.finish(fetched, None)
