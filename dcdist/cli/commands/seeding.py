"""Runs a seeder in the foreground: a signal ends it, as a success once all layers are here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.cli.display.fetch_display import fetch_display
from dcdist.cli.display.output import emit, say
from dcdist.cli.display.records import record
from dcdist.cli.running import run_until_done
from dcdist.engine.fetch_events import Fetched, Progress, Seeding
from dcdist.model.quantities import show_bytes
from dcdist.node.resolve import seed_by_name
from dcdist.node.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.cli.event_log import EventLog
    from dcdist.cli.faults import Json
    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.formats.signature import PublicKey


def run_seeder(
    store: str, wanted: str, options: FetchOptions, trust: Sequence[PublicKey], *, as_json: bool, log: EventLog
) -> None:
    """Seed until a signal ends it.

    Raises:
        InterruptedByUserError: A signal came before all layers were here.
        DcdistError: See `dcdist.errors`.
    """
    stop = asyncio.Event()
    seeding = False
    release, given = wanted, 0

    def report(event: FetchEvent) -> None:
        nonlocal seeding, release, given
        seeding = seeding or isinstance(event, Seeding)
        if isinstance(event, Progress):
            given = event.bytes.given
        elif isinstance(event, Fetched):
            release = str(event.release)
        log.note(record(event))
        display.report(event)

    def end() -> bool:
        if seeding:
            stop.set()
        return seeding

    async def run() -> None:
        async with open_store(store, report=report) as opened:
            log.note({"event": "started", "store": str(opened), "cache": str(options.cache)})
            await seed_by_name(opened, wanted, options, trust=trust, report=report, stop=stop)

    with fetch_display(as_json=as_json) as display:
        run_until_done(run(), end=end)
    told: dict[str, Json] = {"event": "seeded", "release": release, "given": given}
    log.note(told)
    if as_json:
        emit(told)
    else:
        say(f"seeding {release} ended: {show_bytes(given)} given to others")
