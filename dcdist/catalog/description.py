"""What a store holds, for people: its releases, and what one of them is made of.

Invariant: everything is shown, whoever signed it; signatures are checked only against keys that are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from dcdist.catalog.absence import require_store
from dcdist.catalog.delta import Unreadable, read_delta
from dcdist.catalog.releases import visible_releases
from dcdist.errors import FormatError, ReleaseMissingError, StoreDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcdist.catalog.delta import Delta
    from dcdist.catalog.releases import VisibleRelease
    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import LayerEntry, Release
    from dcdist.ports.store import Store


@dataclass(frozen=True, slots=True)
class ListedRelease:
    """A release, and when it became visible: seconds since 1970 by the store's clock.

    `latest`: of its demo. `previous` is the demo's release before it, and `delta` what this one adds to it. `trusted`:
    one of the given keys signed it; None if none was given.
    """

    release: Release
    published: float
    latest: bool
    previous: ReleaseName | None
    delta: Delta
    trusted: bool | None = None

    @property
    def new_layers(self) -> tuple[LayerEntry, ...]:
        """The layers that the previous release does not need."""
        return self.delta.layers

    @property
    def new_bytes(self) -> int:
        """Bytes that a host with all layers of the previous release must move."""
        return self.delta.moved


@dataclass(frozen=True, slots=True)
class Releases:
    """Releases by demo and then by serial: the last of a demo is its latest."""

    readable: tuple[ListedRelease, ...]
    unreadable: tuple[Unreadable, ...]


async def list_releases(store: Store, demo: str | None = None, *, trust: Sequence[PublicKey] = ()) -> Releases:
    """All releases of a demo, or of all demos; of each, whether a key of `trust` signed it.

    Raises:
        UsageError: `demo` cannot be one.
        StoreMissingError: There is no such container or directory.
        StoreError: The store cannot be read or listed.
    """
    if not store.capabilities.listable:
        raise StoreDeniedError(f"{store} cannot be listed; name a release: dcdist fetch DEMO@VERSION", store=str(store))
    visible, unreadable = await _visible(store, demo, trust)
    if not visible and not unreadable:
        await require_store(store)
    return Releases(tuple([await _listed(store, each, checked=bool(trust)) for each in visible]), tuple(unreadable))


async def describe(
    store: Store, demo: str, version: str | None = None, *, trust: Sequence[PublicKey] = ()
) -> ListedRelease:
    """One release of a demo, and whether a key of `trust` signed it; without `version`, its latest.

    Raises:
        StoreMissingError: There is no such container or directory.
        ReleaseMissingError: There is no such release.
        FormatError: It cannot be read.
        StoreError: The store cannot be read or listed.
    """
    visible, unreadable = await _visible(store, demo, trust)
    wanted = demo if version is None else f"{demo}@{version}"
    named = [each for each in visible if version in (None, each.here.release.name.version)]
    if named:
        return await _listed(store, named[-1], checked=bool(trust))
    for failed in unreadable:
        if version is None or failed.key.endswith(f"/{version}"):
            raise FormatError(f"{store}: {failed.key}: {failed.reason}")
    if not visible and not unreadable:
        await require_store(store)
    names = ", ".join(each.here.release.name.version for each in visible) or "no version at all"
    raise ReleaseMissingError(f"{store} has no release {wanted}; of {demo} it has {names}", release=wanted)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A release and its place among those of its demo."""

    here: VisibleRelease
    before: Release | None
    latest: bool


async def _visible(
    store: Store, demo: str | None, trust: Sequence[PublicKey]
) -> tuple[list[_Placed], list[Unreadable]]:
    unreadable: list[Unreadable] = []
    visible = await visible_releases(
        store, demo=demo, trusted=trust, skipped=lambda key, reason: unreadable.append(Unreadable(key, reason))
    )
    by_demo = [list(of_demo) for _, of_demo in groupby(visible, key=lambda each: each.release.name.demo)]
    return [placed for of_demo in by_demo for placed in _placed(of_demo)], unreadable


def _placed(releases: Sequence[VisibleRelease]) -> Iterator[_Placed]:
    """The releases of one demo, in their order, each with the one before."""
    for before, here in zip([None, *releases], releases, strict=False):
        yield _Placed(here, before.release if before else None, here is releases[-1])


async def _listed(store: Store, placed: _Placed, *, checked: bool) -> ListedRelease:
    """`checked`: keys were given."""
    here, before = placed.here, placed.before
    return ListedRelease(
        here.release,
        here.modified,
        placed.latest,
        before.name if before else None,
        await read_delta(store, here.release, before),
        here.trusted if checked else None,
    )
