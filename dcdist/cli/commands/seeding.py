"""Runs a seeder in the foreground: a signal ends it, as a success once all layers are here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.cli.display.fetch_display import fetch_display
from dcdist.cli.display.output import emit, say
from dcdist.cli.display.records import record
from dcdist.cli.giving_up_root import become, seeding_as
from dcdist.cli.running import run_until_done
from dcdist.engine.fetch_events import Fetched, Progress, Seeding, Troubled
from dcdist.model.quantities import show_bytes
from dcdist.node.resolve import seed_by_name
from dcdist.node.stores import open_store
from dcdist.tasks import in_thread, task_group

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.cli.event_log import EventLog
    from dcdist.cli.faults import Json
    from dcdist.cli.giving_up_root import SeedingUser
    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.formats.signature import PublicKey


def run_seeder(
    store: str,
    wanted: str,
    options: FetchOptions,
    trust: Sequence[PublicKey],
    becoming: SeedingUser,
    *,
    as_json: bool,
    log: EventLog,
) -> None:
    """Seed until a signal ends it. Once all layers are here, a process of root goes on as `becoming` says.

    Raises:
        InterruptedByUserError: A signal came before all layers were here.
        DcdistError: See `dcdist.errors`.
    """
    stop, seeding = asyncio.Event(), asyncio.Event()
    release, given = wanted, 0

    def report(event: FetchEvent) -> None:
        nonlocal release, given
        if isinstance(event, Seeding):
            seeding.set()
        elif isinstance(event, Progress):
            given = event.bytes.given
        elif isinstance(event, Fetched):
            release = str(event.release)
        log.note(record(event))
        display.report(event)

    def end() -> bool:
        if seeding.is_set():
            stop.set()
        return seeding.is_set()

    async def give_up_root() -> None:
        await seeding.wait()
        reason = becoming.reason
        if becoming.account is not None:
            reason = await in_thread(become, becoming.account, options.cache)
        if reason and becoming.asked:
            report(Troubled(f"it seeds as root: {reason}", source="--user"))
        if told := seeding_as(becoming, reason):
            log.note(told)

    async def run() -> None:
        async with open_store(store, report=report) as opened, task_group() as group:
            giving_up = group.create_task(give_up_root())
            log.note({"event": "started", "store": str(opened), "cache": str(options.cache)})
            await seed_by_name(opened, wanted, options, trust=trust, report=report, stop=stop)
            giving_up.cancel()

    with fetch_display(as_json=as_json) as display:
        run_until_done(run(), end=end)
    told: dict[str, Json] = {"event": "seeded", "release": release, "given": given}
    log.note(told)
    if as_json:
        emit(told)
    else:
        say(f"seeding {release} ended: {show_bytes(given)} given to others")
