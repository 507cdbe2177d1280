"""Finds a release in a store: one by name or the latest of a demo. It believes only what a trusted key signed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dcdist.catalog.read_again import read_description
from dcdist.errors import ObjectMissingError, ReleaseMissingError, RollbackError, SignatureError, StoreDeniedError
from dcdist.formats import manifest, object_names
from dcdist.model.identity import ReleaseName, require_word
from dcdist.model.release import Release
from dcdist.tasks import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.formats.signature import PublicKey
    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store

_AT_ONCE = 8
"""Manifests that are read at once."""


async def find_release(
    store: Store,
    wanted: str,
    *,
    trust: Sequence[PublicKey],
    at_least: int = 0,
    report: Callable[[Troubled], None] | None = None,
) -> Release:
    """The release `DEMO@VERSION`, or the latest of `DEMO`, verified.

    Args:
        store: Where to look.
        wanted: `DEMO` or `DEMO@VERSION`.
        trust: One of these keys must have signed it.
        at_least: The highest serial of this demo that this host has seen; the latest must not be below it.
        report: Called with each failure that is followed by another try.

    Raises:
        ReleaseMissingError: The store has no such release.
        SignatureError: No trusted key signed it, or it is another release than its place says.
        RollbackError: The latest is older than one that was seen before.
        StoreError: The store could not be asked.
    """
    if "@" in wanted:
        return await _read(store, ReleaseName.parse(wanted), trust, report)
    demo = require_word(wanted, what="demo")
    releases = await _read_all(store, await _versions(store, demo), trust, report)
    if not releases:
        raise ReleaseMissingError(f"{store} has no release of {demo}; `dcdist ls` shows what it has", release=demo)
    latest = max(releases, key=lambda release: (release.serial, release.name.version))
    if latest.serial < at_least:
        raise RollbackError(
            f"the latest release of {demo} in {store} is {latest.name} with serial {latest.serial}, but this host "
            f"has seen {at_least}: the store was set back or replaced; if that is intended, name the version",
            source=str(store),
        )
    return latest


async def _versions(store: Store, demo: str) -> list[ReleaseName]:
    try:
        listing = await store.list(object_names.releases_prefix(demo))
    except StoreDeniedError as error:
        raise StoreDeniedError(
            f"{store} cannot be listed, so the latest release of {demo} cannot be found; name it: {demo}@VERSION",
            store=str(store),
        ) from error
    names = (object_names.parse_release(entry.key) for entry in listing.entries)
    return [name for name in names if name is not None and name.demo == demo]


async def _read_all(
    store: Store,
    names: Sequence[ReleaseName],
    trust: Sequence[PublicKey],
    report: Callable[[Troubled], None] | None,
) -> list[Release]:
    """The releases that a trusted key signed; others belong to somebody else and do not matter.

    Raises:
        SignatureError: There are releases, but a trusted key signed none of them.
    """

    async def read(name: ReleaseName) -> Release | SignatureError | ReleaseMissingError:
        try:
            return await _read(store, name, trust, report)
        except (SignatureError, ReleaseMissingError) as error:
            return error

    found = await in_parallel([partial(read, name) for name in names], limit=_AT_ONCE)
    releases = [each for each in found if isinstance(each, Release)]
    refused = [each for each in found if isinstance(each, SignatureError)]
    if refused and not releases:
        raise refused[0]
    return releases


async def _read(
    store: Store, name: ReleaseName, trust: Sequence[PublicKey], report: Callable[[Troubled], None] | None
) -> Release:
    try:
        _, release = await read_description(
            store,
            object_names.release(name),
            limit=manifest.MANIFEST_LIMIT,
            read=lambda data: manifest.open_sealed(data, trust),
            report=report,
            promised=False,
        )
    except ObjectMissingError as error:
        raise ReleaseMissingError(
            f"{store} has no release {name}; `dcdist ls` shows what it has", release=str(name)
        ) from error
    if release.name != name:
        raise SignatureError(
            f"{store}: the object for {name} holds the manifest of {release.name}; the store's contents were mixed up",
            source=str(store),
        )
    return release
