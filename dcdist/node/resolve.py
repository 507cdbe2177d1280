"""From the name of a release to its images or layers on this host, guarded against rollback and mixed-up stores.

Invariant: what this host takes is noted as soon as its signature is checked, before anything is written for it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dcdist.catalog.find import look_up
from dcdist.disk.serials import SeenSerials
from dcdist.engine.fetch_events import Troubled
from dcdist.errors import DiskError
from dcdist.model.seen import store_identity
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from dcdist.engine.fetch_events import Fetched, FetchEvent
    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.formats.signature import PublicKey
    from dcdist.model.release import Release
    from dcdist.model.seen import SeenDemo
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
    """Find `DEMO@VERSION`, or the latest of `DEMO`, and fetch it; see `look_up` and `fetch`.

    Raises:
        DcdistError: As those.
    """
    release = await _find(store, wanted, options, trust, report)
    # Imported only now: libtorrent and the disk take long to import, and the manifest comes first.
    from dcdist.node.fetch_run import fetch

    return await fetch(store, release, options, report=report, stop=stop)


async def seed_by_name(
    store: Store,
    wanted: str,
    options: FetchOptions,
    *,
    trust: Sequence[PublicKey],
    report: Report,
    stop: asyncio.Event,
) -> None:
    """Find `DEMO@VERSION`, or the latest of `DEMO`, and seed it; see `look_up` and `seed`.

    Raises:
        DcdistError: As those.
    """
    release = await _find(store, wanted, options, trust, report)
    from dcdist.node.fetch_run import seed

    await seed(store, release, options, report=report, stop=stop)


async def _find(
    store: Store, wanted: str, options: FetchOptions, trust: Sequence[PublicKey], report: Report
) -> Release:
    serials = SeenSerials(options.cache)
    seen = await _seen(serials, wanted, report)
    choice = await look_up(store, wanted, trust=trust, seen=seen, line=options.line, report=report)
    if seen is None:
        return choice.taken.release
    try:
        where, chosen = store_identity(str(store)), options.line is not None
        told = await in_thread(partial(serials.note, where, choice.taken, left=choice.left, chosen=chosen))
    except DiskError as error:
        report(Troubled(f"cannot record the release serial, the guard against older releases: {error}"))
    else:
        if told:
            report(Troubled(told, source=str(options.cache)))
    return choice.taken.release


async def _seen(serials: SeenSerials, wanted: str, report: Report) -> SeenDemo | None:
    """What this host has seen of the demo. None: it cannot be read, and whoever names a version goes on without.

    Raises:
        DiskError: It cannot be read, and the latest is wanted.
    """
    demo, named, _ = wanted.partition("@")
    try:
        return await in_thread(serials.seen, demo)
    except DiskError as error:
        if not named:
            raise
        report(Troubled(f"{wanted} is fetched without the guard against older releases: {error}"))
        return None
