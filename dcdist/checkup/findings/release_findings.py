"""What is said of a store's releases: which one of each demo this host would take, and what it passes over. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check, failed, ok, warning
from dcdist.model.quantities import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.catalog.description import ListedRelease, Releases
    from dcdist.checkup.findings.finding import Finding
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import Release

_NAMED = 5
"""Demos, or releases passed over, that are named in one message."""

_GIVE_KEY = "give the publisher's public key with --trust: a fetch takes only what it signed"
_OTHER_KEY = "give this host the publisher's other key with --trust, or have it signed with a key that it trusts"


def newest(releases: Releases) -> tuple[Release, ...]:
    """The release of each demo that a fetch would take: the newest that a given key signed, or that there is."""
    return tuple(latest.release for latest, _ in _demos(releases) if latest is not None)


def of_releases(releases: Releases, *, demo: str | None, has_keys: bool) -> Finding:
    """The releases of a store, or of one demo; `has_keys`: signatures were checked."""
    demos = list(_demos(releases))
    if not demos:
        whose = f" of {demo}" if demo else ""
        return failed(
            Check.RELEASES, f"there is no release{whose}", "publish one first, or check --store and the demo's name"
        )
    taken = [latest.release for latest, _ in demos if latest is not None]
    unsigned = [passed[-1].release for latest, passed in demos if latest is None]
    newer = [each.release for latest, passed in demos if latest is not None for each in passed]
    if not taken:
        told = f"none of the keys of --trust signed a release: {_names(unsigned)}"
        return failed(Check.RELEASES, told, _OTHER_KEY)
    told = f"newest: {_names(taken)}"
    if not has_keys:
        return warning(
            Check.RELEASES,
            f"{told}; signatures were not checked",
            _GIVE_KEY,
        )
    told += ", signed by a key of --trust"
    if newer or unsigned:
        passed_over = _names([*newer, *unsigned])
        return warning(Check.RELEASES, f"{told}; passed over, as no such key signed them: {passed_over}", _OTHER_KEY)
    return ok(Check.RELEASES, told)


def of_named(release: Release, *, signed: bool, has_keys: bool) -> Finding:
    """The release that a fetch would name; `signed`: by one of the given keys, if `has_keys`."""
    told = _names([release])
    if not has_keys:
        return warning(Check.RELEASES, f"{told} is there; signatures were not checked", _GIVE_KEY)
    if not signed:
        return failed(Check.RELEASES, f"{told} is there, but none of the keys of --trust signed it", _OTHER_KEY)
    return ok(Check.RELEASES, f"{told} is there, signed by a key of --trust")


def no_such(name: ReleaseName) -> Finding:
    """The store has no release of that name."""
    return failed(Check.RELEASES, f"there is no release {name}", "publish it first, or check --store and --demo")


def _demos(releases: Releases) -> Iterator[tuple[ListedRelease | None, list[ListedRelease]]]:
    """Of each demo the release that a fetch takes, and those that are newer; without one, all of them."""
    for _, of_demo in groupby(releases.readable, key=lambda each: each.release.name.demo):
        listed = list(of_demo)
        places = [place for place, each in enumerate(listed) if each.trusted is not False]
        yield (listed[places[-1]], listed[places[-1] + 1 :]) if places else (None, listed)


def _names(releases: list[Release]) -> str:
    named = [f"{each.name} ({show_bytes(each.layer_bytes)} of layers)" for each in releases[:_NAMED]]
    more = len(releases) - _NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
