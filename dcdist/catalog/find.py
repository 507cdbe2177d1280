"""Finds a release in a store: one by name or the latest of a demo.

Invariant: it believes only what a trusted key signed, and reports what may be newer and was therefore passed over.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dcdist.catalog.absence import require_store
from dcdist.catalog.read_again import read_description
from dcdist.errors import (
    FormatError,
    ObjectMissingError,
    ReleaseMissingError,
    RollbackError,
    SignatureError,
    StoreDeniedError,
)
from dcdist.formats import manifest, object_names
from dcdist.model.identity import ReleaseName, require_word
from dcdist.model.release import Release
from dcdist.model.trouble import Trouble, Troubled
from dcdist.tasks import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.formats.signature import PublicKey
    from dcdist.ports.store import Store

_AT_ONCE = 8
"""Manifests that are read at once."""

_NAMED = 5
"""Releases passed over that are reported one by one; a demo may have any number."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """A release of the demo that cannot be believed, and why. `serial` is what its manifest claims; None if unknown.

    `by_others`: nothing is wrong with it but that no trusted key signed it.
    """

    name: ReleaseName
    serial: int | None
    reason: str
    error: SignatureError | FormatError
    by_others: bool


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
        report: Called with each failure that is followed by another try, and with newer releases that are passed over
            for the latest, as no trusted key signed them or they cannot be read.

    Raises:
        StoreMissingError: There is no such container or directory.
        ReleaseMissingError: The store has no such release.
        SignatureError: No trusted key signed it, or it is another release than its place says.
        FormatError: It cannot be read; for the latest, none can.
        RollbackError: The latest is older than one that was seen before.
        StoreError: The store could not be asked.
    """
    if "@" in wanted:
        return await _read_named(store, ReleaseName.parse(wanted), trust, report)
    demo = require_word(wanted, what="demo")
    releases, refused = await _read_all(store, await _versions(store, demo), trust, report)
    if not releases:
        await require_store(store)
        raise ReleaseMissingError(f"{store} has no release of {demo}; `dcdist ls` shows what it has", release=demo)
    latest = max(releases, key=lambda release: (release.serial, release.name.version))
    if report is not None:
        _report_passed_over(store, latest, refused, report)
    if latest.serial < at_least:
        raise RollbackError(
            f"the latest release of {demo} in {store} is {latest.name} with serial {latest.serial}, but this host "
            f"has seen serial {at_least}: the store was set back or replaced; if that is intended, name the version",
            source=str(store),
        )
    return latest


async def _versions(store: Store, demo: str) -> list[ReleaseName]:
    if not store.capabilities.listable:
        raise StoreDeniedError(
            f"{store} cannot be listed, so the latest release of {demo} cannot be found; name it: {demo}@VERSION",
            store=str(store),
        )
    listing = await store.list(object_names.releases_prefix(demo))
    names = (object_names.parse_release(entry.key) for entry in listing.entries)
    return [name for name in names if name is not None and name.demo == demo]


async def _read_all(
    store: Store,
    names: Sequence[ReleaseName],
    trust: Sequence[PublicKey],
    report: Callable[[Troubled], None] | None,
) -> tuple[list[Release], list[_Refused]]:
    """The releases that a trusted key signed, and the others, which belong to somebody else.

    Raises:
        SignatureError: There are releases, but a trusted key signed none of them.
        FormatError: There are releases, but none can be read.
    """

    async def read(name: ReleaseName) -> Release | _Refused | None:
        serial: int | None = None
        reason = ""
        by_others = False

        def opened(data: bytes) -> Release:
            nonlocal serial, reason, by_others
            try:
                return manifest.open_sealed(data, trust)
            except (SignatureError, FormatError) as error:
                serial, reason = _claimed_serial(data, name), str(error)
                by_others = isinstance(error, SignatureError) and not error.damaged
                raise

        try:
            return await _read(store, name, opened, report)
        except (SignatureError, FormatError) as error:
            return _Refused(name, serial, reason or str(error), error, by_others)
        except ObjectMissingError:
            return None  # it was deleted meanwhile

    found = await in_parallel([partial(read, name) for name in names], limit=_AT_ONCE)
    releases = [each for each in found if isinstance(each, Release)]
    refused = [each for each in found if isinstance(each, _Refused)]
    if refused and not releases:
        raise _nothing_to_believe(store, refused)
    return releases, refused


def _claimed_serial(data: bytes, name: ReleaseName) -> int | None:
    """The serial that a manifest claims, whoever signed it; None if it cannot be read, or is not that of `name`."""
    try:
        release = manifest.read_unverified(data)
    except FormatError:
        return None
    return release.serial if release.name == name else None


def _nothing_to_believe(store: Store, refused: Sequence[_Refused]) -> SignatureError | FormatError:
    """Why none of a demo's releases is its latest: what is wrong with the newest, or that all are somebody else's."""
    newest = max(refused, key=_rank)
    if not all(each.by_others for each in refused):
        return newest.error
    return SignatureError(
        f"{store}: no release of {newest.name.demo} is signed by a trusted key; {newest.name}, the newest: "
        f"{newest.reason}",
        source=str(store),
    )


def _rank(each: _Refused) -> tuple[bool, int, str]:
    """The newest has the highest; one whose serial is unknown may be newer than all others."""
    return each.serial is None, each.serial or 0, each.name.version


def _report_passed_over(
    store: Store, latest: Release, refused: Sequence[_Refused], report: Callable[[Troubled], None]
) -> None:
    """Report what may be newer than the latest that can be believed, the newest first."""
    newer = [each for each in refused if _rank(each) > (False, latest.serial, latest.name.version)]
    newer.sort(key=_rank, reverse=True)
    for each in newer[:_NAMED]:
        serial = "" if each.serial is None else f" (serial {each.serial})"
        report(
            Troubled(
                f"{each.name}{serial} is passed over for {latest.name} (serial {latest.serial}): {each.reason}",
                Trouble.PASSED_OVER,
                f"{store}/{object_names.release(each.name)}",
            )
        )
    if more := newer[_NAMED:]:
        message = f"{len(more)} more releases are passed over for {latest.name}; `dcdist ls --trust FILE` marks them"
        report(Troubled(message, Trouble.PASSED_OVER, str(store)))


async def _read_named(
    store: Store, name: ReleaseName, trust: Sequence[PublicKey], report: Callable[[Troubled], None] | None
) -> Release:
    try:
        return await _read(store, name, lambda data: manifest.open_sealed(data, trust), report)
    except ObjectMissingError as error:
        await require_store(store)
        raise ReleaseMissingError(
            f"{store} has no release {name}; `dcdist ls` shows what it has", release=str(name)
        ) from error


async def _read(
    store: Store, name: ReleaseName, read: Callable[[bytes], Release], report: Callable[[Troubled], None] | None
) -> Release:
    _, release = await read_description(
        store,
        object_names.release(name),
        limit=manifest.MANIFEST_LIMIT,
        read=read,
        report=report,
        promised=False,
    )
    if release.name != name:
        raise SignatureError(
            f"{store}: the object for {name} holds the manifest of {release.name}; the store's contents were mixed up",
            source=str(store),
        )
    return release
