"""The releases that a store shows, and whether a trusted key signed each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from dcdist.errors import FormatError, IntegrityError, ObjectMissingError
from dcdist.formats import manifest, object_names
from dcdist.tasks import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import Release
    from dcdist.ports.store import Entry, Store

_PARALLEL: Final = 8


@dataclass(frozen=True, slots=True)
class VisibleRelease:
    """A release in the store. `trusted`: one of the given keys has signed it."""

    release: Release
    trusted: bool
    size: int
    modified: float


async def visible_releases(
    store: Store, *, demo: str | None, trusted: Sequence[PublicKey] = (), skipped: Callable[[str, str], None]
) -> list[VisibleRelease]:
    """All releases of a demo (or of all) that can be read, by demo and then by serial.

    `skipped` is called with the key of each that cannot, and the reason.

    Raises:
        StoreError: The store could not be read.
    """
    listing = await store.list(object_names.releases_prefix(demo))

    async def read(entry: Entry) -> VisibleRelease | None:
        try:
            data = await store.get(entry.key, limit=manifest.MANIFEST_LIMIT)
            release = manifest.read_unverified(data)
        except ObjectMissingError:
            return None
        except FormatError as error:
            skipped(entry.key, str(error))
            return None
        if object_names.release(release.name) != entry.key:
            skipped(entry.key, f"it holds the manifest of {release.name}")
            return None
        return VisibleRelease(release, _is_signed(data, trusted), entry.size, entry.modified)

    wanted = [entry for entry in listing.entries if object_names.parse_release(entry.key) is not None]
    found = await in_parallel([partial(read, entry) for entry in wanted], limit=_PARALLEL)
    return sorted(
        (each for each in found if each is not None),
        key=lambda each: (each.release.name.demo, each.release.serial, each.release.name.version),
    )


async def read_named(store: Store, name: ReleaseName, *, trusted: Sequence[PublicKey] = ()) -> tuple[Release, bool]:
    """A release by its name, whoever signed it, and whether a trusted key did. The store is not listed.

    Raises:
        ObjectMissingError: There is none.
        FormatError: It cannot be read, or is another release.
        StoreError: The store could not be read.
    """
    key = object_names.release(name)
    data = await store.get(key, limit=manifest.MANIFEST_LIMIT)
    release = manifest.read_unverified(data)
    if release.name != name:
        raise FormatError(f"{store}/{key} holds the manifest of {release.name}")
    return release, _is_signed(data, trusted)


def _is_signed(data: bytes, trusted: Sequence[PublicKey]) -> bool:
    if not trusted:
        return False
    try:
        manifest.open_sealed(data, trusted)
    except IntegrityError:
        return False
    return True
