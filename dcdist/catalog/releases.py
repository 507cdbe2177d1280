"""The releases that a store shows, and whether a trusted key signed each.

Invariant: memory is bounded whatever lies in the store: what no given key signed is held up to HELD bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from dcdist.catalog.manifest_reads import ManifestReads, read_each
from dcdist.errors import FormatError, ObjectMissingError, SignatureError, StoreError
from dcdist.formats import manifest, object_names
from dcdist.model.geometry import MIB
from dcdist.model.quantities import show_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import Release
    from dcdist.ports.store import Entry, Store

HELD: Final = 64 * MIB
"""About the most bytes of releases that no given key signed, together."""

_ENTRY: Final = 400
"""About the bytes that an image, a layer or a metadata file takes beside its content."""


@dataclass(frozen=True, slots=True)
class VisibleRelease:
    """A release in the store. `trusted`: one of the given keys has signed it."""

    release: Release
    trusted: bool
    size: int
    modified: float


async def visible_releases(
    store: Store,
    *,
    demo: str | None,
    trusted: Sequence[PublicKey] = (),
    skipped: Callable[[str, str], None],
    within: float | None = None,
) -> list[VisibleRelease]:
    """All releases of a demo (or of all) that can be read, by demo and then by serial.

    `skipped` is called with the key of each that cannot, and the reason. `within`: the seconds after which the rest is
    skipped, as is then what the store does not give; None: all are read, however long that takes.

    Raises:
        StoreError: The store could not be read.
    """
    listing = await store.list(object_names.releases_prefix(demo))
    found: list[VisibleRelease] = []
    held = 0
    failure: StoreError | None = None

    async def read(reads: ManifestReads, entry: Entry) -> None:
        nonlocal held, failure
        try:
            release, signed = await reads.read(entry, partial(_read, trusted=trusted))
        except ObjectMissingError:
            return
        except FormatError as error:
            skipped(entry.key, str(error))
            return
        except StoreError as error:
            if within is None:
                raise
            failure = error
            skipped(entry.key, str(error))
            return
        if object_names.release(release.name) != entry.key:
            skipped(entry.key, f"it holds the manifest of {release.name}")
            return
        if not signed and held + _weight(release) > HELD:
            skipped(entry.key, f"the releases that no given key signed take more than {show_bytes(HELD)} of memory")
            return
        held += 0 if signed else _weight(release)
        found.append(VisibleRelease(release, signed, entry.size, entry.modified))

    wanted = [entry for entry in listing.entries if object_names.parse_release(entry.key) is not None]
    with ManifestReads(store) as reads:
        unread = await read_each(
            wanted, partial(read, reads), goes_on=lambda seconds, _: within is None or seconds < within
        )
    for entry in unread:
        skipped(entry.key, f"it was not read within {within:.0f} s")
    if failure is not None and not found:
        raise failure
    return sorted(found, key=lambda each: (each.release.name.demo, each.release.serial, each.release.name.version))


async def read_named(store: Store, name: ReleaseName, *, trusted: Sequence[PublicKey] = ()) -> tuple[Release, bool]:
    """A release by its name, whoever signed it, and whether a trusted key did. The store is not listed.

    Raises:
        ObjectMissingError: There is none.
        FormatError: It cannot be read, or is another release.
        StoreError: The store could not be read.
    """
    key = object_names.release(name)
    data = await store.get(key, limit=manifest.MANIFEST_LIMIT)
    release, signed = _read(data, trusted)
    if release.name != name:
        raise FormatError(f"{store}/{key} holds the manifest of {release.name}")
    return release, signed


def _read(data: bytes, trusted: Sequence[PublicKey]) -> tuple[Release, bool]:
    """A release, and whether one of the keys signed it."""
    if trusted:
        try:
            return manifest.open_sealed(data, trusted), True
        except SignatureError:
            pass
    return manifest.read_unverified(data), False


def _weight(release: Release) -> int:
    entries = len(release.images) + len(release.layers) + len(release.metadata)
    return _ENTRY * (1 + entries) + sum(len(file.content) for file in release.metadata)
