"""What a store holds, for people: its releases, and what one of them is made of.

Invariant: everything is shown, whoever signed it; signatures are checked only against keys that are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from dcdist.catalog.absence import require_store
from dcdist.catalog.releases import visible_releases
from dcdist.errors import FormatError, ReleaseMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcdist.catalog.releases import VisibleRelease
    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import LayerEntry, Release
    from dcdist.ports.store import Store


@dataclass(frozen=True, slots=True)
class ListedRelease:
    """A release, and when it became visible: seconds since 1970 by the store's clock.

    `latest`: of its demo. `previous` is the demo's release before it, which needs none of `new_layers`. `trusted`: one
    of the given keys signed it; None if none was given.
    """

    release: Release
    published: float
    latest: bool
    previous: ReleaseName | None
    new_layers: tuple[LayerEntry, ...]
    trusted: bool | None = None

    @property
    def new_bytes(self) -> int:
        """Bytes that a host with the previous release must fetch."""
        return sum(layer.length for layer in self.new_layers)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object among the releases that cannot be read."""

    key: str
    reason: str


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
    unreadable: list[Unreadable] = []
    visible = await visible_releases(
        store, demo=demo, trusted=trust, skipped=lambda key, reason: unreadable.append(Unreadable(key, reason))
    )
    if not visible and not unreadable:
        await require_store(store)
    demos = groupby(visible, key=lambda each: each.release.name.demo)
    return Releases(
        tuple(each for _, of_demo in demos for each in _listed(list(of_demo), bool(trust))), tuple(unreadable)
    )


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
    found = await list_releases(store, demo, trust=trust)
    releases = found.readable
    wanted = demo if version is None else f"{demo}@{version}"
    described = next((each for each in reversed(releases) if version in (None, each.release.name.version)), None)
    if described is None:
        for each in found.unreadable:
            if version is None or each.key.endswith(f"/{version}"):
                raise FormatError(f"{store}: {each.key}: {each.reason}")
        names = ", ".join(each.release.name.version for each in releases) or "no version at all"
        raise ReleaseMissingError(f"{store} has no release {wanted}; of {demo} it has {names}", release=wanted)
    return described


def _listed(releases: Sequence[VisibleRelease], checked: bool) -> Iterator[ListedRelease]:
    """The releases of one demo, in their order, each against the one before; `checked`: keys were given."""
    for before, here in zip([None, *releases], releases, strict=False):
        had = {layer.name for layer in before.release.layers} if before else set()
        yield ListedRelease(
            here.release,
            here.modified,
            here is releases[-1],
            before.release.name if before else None,
            tuple(layer for layer in here.release.layers if layer.name not in had),
            here.trusted if checked else None,
        )
