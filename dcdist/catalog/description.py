"""What a store holds, for people: its releases, and what one of them is made of.

Invariant: everything is shown, whoever signed it; signatures are checked only against keys that are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from dcdist.catalog.absence import require_store
from dcdist.catalog.delta import Unreadable, read_delta
from dcdist.catalog.latest import latest_for_all, no_latest, rank
from dcdist.catalog.releases import visible_releases
from dcdist.errors import FormatError, ReleaseMissingError, StoreDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcdist.catalog.delta import Delta
    from dcdist.catalog.releases import VisibleRelease
    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import LineId, ReleaseName
    from dcdist.model.release import LayerEntry, Release
    from dcdist.ports.store import Store

_WITHIN: Final = 60.0
"""Seconds for reading manifests, of which anybody may have put any number there; the rest is told as unreadable."""


@dataclass(frozen=True, slots=True)
class ListedRelease:
    """A release, and when it became visible: seconds since 1970 by the store's clock.

    `latest`: a host that has seen nothing of its demo takes it; of no release if it is not clear which line to follow.
    `previous` is the release before it in its line, or the last of the lines that this one replaces, and `delta` what
    this one adds to it. `trusted`: one of the given keys signed it; None if none was given.
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
    """Releases by demo, then by line, then by serial."""

    readable: tuple[ListedRelease, ...]
    unreadable: tuple[Unreadable, ...]


async def list_releases(
    store: Store, demo: str | None = None, *, trust: Sequence[PublicKey] = (), line: LineId | None = None
) -> Releases:
    """All releases of a demo, or of all demos; of each, whether a key of `trust` signed it.

    If these signed any of a demo, the latest is one of those. `line`: the one that a host follows.

    Raises:
        UsageError: `demo` cannot be one.
        StoreMissingError: There is no such container or directory.
        StoreError: The store cannot be read or listed.
    """
    if not store.capabilities.listable:
        raise StoreDeniedError(f"{store} cannot be listed; name a release: dcdist fetch DEMO@VERSION", store=str(store))
    visible, unreadable = await _visible(store, demo, trust, line)
    if not visible and not unreadable:
        await require_store(store)
    return Releases(tuple([await _listed(store, each, checked=bool(trust)) for each in visible]), tuple(unreadable))


async def describe(
    store: Store,
    demo: str,
    version: str | None = None,
    *,
    trust: Sequence[PublicKey] = (),
    line: LineId | None = None,
) -> ListedRelease:
    """One release of a demo, and whether a key of `trust` signed it; without `version`, its latest.

    If these keys signed any, the latest is one of those. `line`: the one that a host follows.

    Raises:
        StoreMissingError: There is no such container or directory.
        ReleaseMissingError: There is no such release.
        FormatError: It cannot be read.
        LineError: The latest is wanted, and it is not clear which line to follow, or there is none of that line.
        StoreError: The store cannot be read or listed.
    """
    visible, unreadable = await _visible(store, demo, trust, line)
    wanted = demo if version is None else f"{demo}@{version}"
    for each in visible:
        if each.latest if version is None else each.here.release.name.version == version:
            return await _listed(store, each, checked=bool(trust))
    if visible and version is None:
        trusted = [each.here.release for each in visible if each.here.trusted]
        raise no_latest(trusted or [each.here.release for each in visible], line=line, source=str(store))
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
    store: Store, demo: str | None, trust: Sequence[PublicKey], line: LineId | None
) -> tuple[list[_Placed], list[Unreadable]]:
    unreadable: list[Unreadable] = []
    visible = await visible_releases(
        store,
        demo=demo,
        trusted=trust,
        skipped=lambda key, reason: unreadable.append(Unreadable(key, reason)),
        within=_WITHIN,
    )
    unreadable.sort(key=lambda each: each.key)
    by_demo = [list(of_demo) for _, of_demo in groupby(visible, key=lambda each: each.release.name.demo)]
    return [placed for of_demo in by_demo for placed in _placed(of_demo, line)], unreadable


def _placed(releases: Sequence[VisibleRelease], line: LineId | None) -> Iterator[_Placed]:
    """The releases of one demo, line by line, each with the one before."""
    trusted = [each.release for each in releases if each.trusted]
    latest = latest_for_all(trusted or [each.release for each in releases], line=line)
    begun: dict[LineId | None, float] = {}
    for each in releases:
        begun[each.release.line] = min(each.modified, begun.get(each.release.line, each.modified))

    def place(each: VisibleRelease) -> tuple[float, str, tuple[int, str]]:
        return begun[each.release.line], each.release.line or "", rank(each.release)

    newest: dict[LineId | None, Release] = {}
    for here in sorted(releases, key=place):
        release = here.release
        replaced = [newest[old] for old in (None, *release.replaces) if old in newest]
        before = newest.get(release.line) or max(replaced, key=rank, default=None)
        yield _Placed(here, before, release is latest)
        newest[release.line] = release


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
