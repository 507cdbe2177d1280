"""From the name of a release to its images or layers on this host, guarded against rollback.

Invariant: the latest release is never older than one that came to this cache before.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dcdist.catalog.find import find_release
from dcdist.disk.serials import SeenSerials
from dcdist.engine.fetch_events import Fetched, Troubled
from dcdist.errors import DiskError
from dcdist.tasks import in_thread, task_group

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Sequence

    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.formats.signature import PublicKey
    from dcdist.model.release import Release
    from dcdist.ports.store import Store

    Report = Callable[[FetchEvent], None]


async def fetch_by_name(
    store: Store,
    wanted: str,
    options: FetchOptions,
    *,
    trust: Sequence[PublicKey],
    report: Report,
    stop: asyncio.Event | None = None,
) -> Fetched:
    """Find `DEMO@VERSION`, or the latest of `DEMO`, and fetch it; see `find_release` and `fetch`.

    Raises:
        DcdistError: As those.
    """
    serials = SeenSerials(options.cache)
    release = await _find(store, wanted, serials, trust, report)
    # Imported only now: libtorrent and the disk take long to import, and the manifest comes first.
    from dcdist.node.fetch_run import fetch

    async with _noting(serials, release, report) as noting:
        return await fetch(store, release, options, report=noting, stop=stop)


async def seed_by_name(
    store: Store,
    wanted: str,
    options: FetchOptions,
    *,
    trust: Sequence[PublicKey],
    report: Report,
    stop: asyncio.Event,
) -> None:
    """Find `DEMO@VERSION`, or the latest of `DEMO`, and seed it; see `find_release` and `seed`.

    Raises:
        DcdistError: As those.
    """
    serials = SeenSerials(options.cache)
    release = await _find(store, wanted, serials, trust, report)
    from dcdist.node.fetch_run import seed

    async with _noting(serials, release, report) as noting:
        await seed(store, release, options, report=noting, stop=stop)


async def _find(store: Store, wanted: str, serials: SeenSerials, trust: Sequence[PublicKey], report: Report) -> Release:
    at_least = 0 if "@" in wanted else await in_thread(serials.highest, wanted)
    return await find_release(store, wanted, trust=trust, at_least=at_least, report=report)


@asynccontextmanager
async def _noting(serials: SeenSerials, release: Release, report: Report) -> AsyncIterator[Report]:
    """Pass reports on, and note the serial of the release once it is fetched."""

    async def note() -> None:
        try:
            await in_thread(serials.note, release.name.demo, release.serial)
        except DiskError as error:
            report(Troubled(f"cannot record the release serial, the guard against older releases: {error}"))

    async with task_group() as group:

        def noting(event: FetchEvent) -> None:
            if isinstance(event, Fetched):
                group.create_task(note())
            report(event)

        yield noting
