"""What is said of a store's releases: which one of each demo this host would take, and what it passes over. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check, failed, ok, warning
from dcdist.model.identity import NO_LINE
from dcdist.model.quantities import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.catalog.description import ListedRelease, Releases
    from dcdist.checkup.findings.finding import Finding
    from dcdist.model.identity import LineId, ReleaseName
    from dcdist.model.release import Release

_NAMED = 5
"""Demos, or releases passed over, that are named in one message."""

_GIVE_KEY = "give the publisher's public key with --trust: a fetch takes only what it signed"
_OTHER_KEY = "give this host the publisher's other key with --trust, or have it signed with a key that it trusts"
_CHOOSE = "choose the line that the fetch is to follow with --line; `dcdist ls` shows the lines of a demo"


def newest(releases: Releases) -> tuple[Release, ...]:
    """The release of each demo that a fetch would take: the newest that a given key signed, or that there is."""
    return tuple(each.latest.release for each in _demos(releases) if each.latest is not None)


def of_releases(releases: Releases, *, demo: str | None, line: LineId | None, has_keys: bool) -> Finding:
    """The releases of a store, or of one demo; `line`: the only one to look at; `has_keys`: signatures were checked."""
    demos = list(_demos(releases))
    if not demos:
        whose = f" of {demo}" if demo else ""
        return failed(
            Check.RELEASES, f"there is no release{whose}", "publish one first, or check --store and the demo's name"
        )
    taken = [each.latest.release for each in demos if each.latest is not None]
    unclear = [release for each in demos if each.latest is None for release in each.signed]
    unsigned = [each.passed_over[-1] for each in demos if each.latest is None and not each.signed]
    newer = [release for each in demos if each.latest is not None for release in each.passed_over]
    if unclear:
        there = ", ".join(f"{each.name} of {_words(each.line)}" for each in unclear[-_NAMED:])
        told = "there are several lines, and none replaces the others"
        if line is not None:
            told = f"no release is of {_words(line)}, which --line names"
        judge = warning if taken else failed
        return judge(Check.RELEASES, f"{told}: {there}", _CHOOSE)
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


@dataclass(frozen=True, slots=True)
class _Demo:
    """`latest`: the release that a fetch takes; None: no key signed one, or it is not clear which of those `signed`.

    `passed_over`: those that no key signed and that came after the latest, or all of them.
    """

    latest: ListedRelease | None
    signed: list[Release]
    passed_over: list[Release]


def _demos(releases: Releases) -> Iterator[_Demo]:
    for _, of_demo in groupby(releases.readable, key=lambda each: each.release.name.demo):
        listed = list(of_demo)
        signed = [each for each in listed if each.trusted is not False]
        latest = next((each for each in signed if each.latest), None)
        since = latest.published if latest is not None else 0.0
        passed = [each.release for each in listed if each.trusted is False and each.published >= since]
        yield _Demo(latest, [each.release for each in signed], passed)


def _words(line: LineId | None) -> str:
    return f"line {line}" if line not in {None, NO_LINE} else "no line"


def _names(releases: list[Release]) -> str:
    named = [f"{each.name} ({show_bytes(each.layer_bytes)} of layers)" for each in releases[:_NAMED]]
    more = len(releases) - _NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
