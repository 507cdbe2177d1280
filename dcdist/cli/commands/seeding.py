"""Runs a seeder in the foreground: a signal ends it, as a success once it has all it gives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.cli.display.fetch_display import fetch_display
from dcdist.cli.display.records import record
from dcdist.cli.faults import InterruptedByUserError
from dcdist.cli.running import on_first_signal
from dcdist.engine import troubles
from dcdist.engine.fetch_events import Seeding
from dcdist.node.resolve import seed_by_name
from dcdist.node.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.cli.event_log import EventLog
    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.formats.signature import PublicKey
    from dcdist.node.fetch_options import SeedOptions


def run_seeder(
    store: str, wanted: str, options: SeedOptions, trust: Sequence[PublicKey], *, as_json: bool, log: EventLog
) -> None:
    """Return when a signal ended the seeding.

    Raises:
        InterruptedByUserError: A signal came before all layers were there.
        DcdistError: See `dcdist.errors`.
    """

    async def run() -> None:
        stop = asyncio.Event()
        task = asyncio.current_task()
        interrupted: list[int] = []
        seeding = False

        def report(event: FetchEvent) -> None:
            nonlocal seeding
            seeding = seeding or isinstance(event, Seeding)
            log.note(record(event))
            display.report(event)

        def end(number: int) -> None:
            interrupted.append(number)
            if seeding:
                stop.set()
            elif task is not None:
                task.cancel()

        on_first_signal(end)
        try:
            async with open_store(store, retried=lambda *told: report(troubles.retried(*told))) as opened:
                log.note({"event": "started", "store": str(opened), "cache": str(options.cache)})
                await seed_by_name(opened, wanted, options, trust=trust, report=report, stop=stop)
        except asyncio.CancelledError:
            if interrupted:
                raise InterruptedByUserError(interrupted[0]) from None
            raise

    with fetch_display(as_json=as_json) as display:
        asyncio.run(run())
