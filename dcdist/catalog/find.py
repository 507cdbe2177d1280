"""Finds a release in a store: one by name or the latest of a demo.

Invariant: it believes only what a trusted key signed, and ends within a bound whatever lies in the store.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from dcdist.catalog.absence import require_store
from dcdist.catalog.latest import admit_named, choose_latest
from dcdist.catalog.read_again import read_description
from dcdist.catalog.signed_releases import SignedReleases, require_named
from dcdist.errors import (
    IntegrityError,
    ObjectMissingError,
    ReleaseMissingError,
    StoreDeniedError,
    StoreUnavailableError,
)
from dcdist.formats import manifest, object_names
from dcdist.model.identity import ReleaseName, require_word
from dcdist.model.seen import SeenDemo, store_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.catalog.latest import Choice
    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import LineId
    from dcdist.model.release import Release, SignedRelease
    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Entry, Store

LIMIT: Final = 240.0
"""The most seconds of one look-up."""


async def find_release(
    store: Store,
    wanted: str,
    *,
    trust: Sequence[PublicKey],
    line: LineId | None = None,
    report: Callable[[Troubled], None] | None = None,
) -> Release:
    """The release `DEMO@VERSION`, or the latest of `DEMO`, verified; see `look_up`.

    It knows nothing of what this host has seen, so it cannot notice that a store was set back.

    Raises:
        DcdistError: As `look_up`.
    """
    return (await look_up(store, wanted, trust=trust, line=line, report=report)).taken.release


async def look_up(
    store: Store,
    wanted: str,
    *,
    trust: Sequence[PublicKey],
    seen: SeenDemo | None = None,
    line: LineId | None = None,
    report: Callable[[Troubled], None] | None = None,
) -> Choice:
    """The release `DEMO@VERSION`, or the latest of `DEMO`, verified, and the lines that a host leaves for it.

    Args:
        store: Where to look.
        wanted: `DEMO` or `DEMO@VERSION`.
        trust: One of these keys must have signed it.
        seen: What this host has seen of the demo, at any store; None: nothing.
        line: The line that the user names. Without it, the line that this host follows, or the only one.
        report: Called with each failure that is followed by another try, if the look-up takes long, and with what may
            be newer than the latest and is passed over: no trusted key signed it, it cannot be read, or not in time,
            or it is of another line.

    Raises:
        StoreMissingError: There is no such container or directory.
        ReleaseMissingError: The store has no such release.
        SignatureError: No trusted key signed it, or it is another release than its place says.
        FormatError: It cannot be read; for the latest, none can.
        LineError: It is of another line than this host follows, or it is not clear which one to follow.
        RollbackError: It is older than one that was seen before.
        StoreError: The store could not be asked, or not within LIMIT.
    """
    counting = (seen or SeenDemo()).counting(store_identity(str(store)), {key.identity for key in trust})
    tell = report or _ignore
    try:
        async with asyncio.timeout(LIMIT):
            if "@" in wanted:
                named = await _read_named(store, ReleaseName.parse(wanted), trust, tell)
                return admit_named(named, counting, line=line, source=str(store))
            return await _latest(store, require_word(wanted, what="demo"), trust, counting, line, tell)
    except TimeoutError:
        raise StoreUnavailableError(
            f"{store}: {wanted} was not found within {LIMIT:.0f} s, the limit of a look-up; run it again when the "
            "store answers faster, or name the version",
            store=str(store),
        ) from None


async def _latest(
    store: Store,
    demo: str,
    trust: Sequence[PublicKey],
    seen: SeenDemo,
    line: LineId | None,
    tell: Callable[[Troubled], None],
) -> Choice:
    releases = SignedReleases(store, demo, trust, tell)

    def choose() -> Choice:
        return choose_latest(releases.found, seen, line=line, source=str(store))

    def suffices() -> bool:
        try:
            return bool(releases.found and choose())
        except IntegrityError:
            return False

    await releases.read(await _entries(store, demo), suffices=suffices)
    if not releases.found:
        await require_store(store)
        raise ReleaseMissingError(f"{store} has no release of {demo}; `dcdist ls` shows what it has", release=demo)
    try:
        choice = choose()
    except IntegrityError:
        releases.report_passed_over(None)
        raise
    releases.report_passed_over(choice.taken.release)
    return choice


async def _entries(store: Store, demo: str) -> list[Entry]:
    """What lies in the places of the demo's releases."""
    if not store.capabilities.listable:
        raise StoreDeniedError(
            f"{store} cannot be listed, so the latest release of {demo} cannot be found; name it: {demo}@VERSION",
            store=str(store),
        )
    listing = await store.list(object_names.releases_prefix(demo))
    return [each for each in listing.entries if object_names.parse_release(each.key) is not None]


async def _read_named(
    store: Store, name: ReleaseName, trust: Sequence[PublicKey], tell: Callable[[Troubled], None]
) -> SignedRelease:
    key = object_names.release(name)
    try:
        _, found = await read_description(
            store,
            key,
            limit=manifest.MANIFEST_LIMIT,
            read=lambda data: manifest.open_signed(data, trust),
            report=tell,
            promised=False,
        )
    except ObjectMissingError as error:
        await require_store(store)
        raise ReleaseMissingError(
            f"{store} has no release {name}; `dcdist ls` shows what it has", release=str(name)
        ) from error
    require_named(store, key, found.release)
    return found


def _ignore(_trouble: Troubled) -> None:
    """Nobody watches."""
