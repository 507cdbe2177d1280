"""Which line a new release continues, and with which serial. Pure.

Invariant: a serial is one more than the highest of its line, and stays far from the end of its range. Only releases
that a key of the publisher signed are counted; whoever calls this sees to that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dcdist.errors import UsageError
from dcdist.formats.manifest import REPLACES_LIMIT, SERIAL_LIMIT
from dcdist.model.identity import UNLINED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dcdist.model.identity import LineId
    from dcdist.model.release import Release
    from dcdist.publishing.publish_request import LineChoice

JUMP: Final = 1 << 32
"""A serial that is so far above the one before it was not given by counting: nothing is counted on from it."""


@dataclass(frozen=True, slots=True)
class LinePosition:
    """The line, serial and replaced lines of a new release. `new`: it is the first of its line.

    `dropped`: lines that it should replace too, of which a manifest has no room for more.
    """

    line: LineId
    serial: int
    replaces: tuple[LineId, ...]
    new: bool
    dropped: tuple[LineId, ...] = ()


def next_position(demo: str, releases: Sequence[Release], choice: LineChoice, *, fresh: LineId) -> LinePosition:
    """Where the next release of `demo` stands after `releases`, which are all of that demo; `fresh` is an unused id.

    Raises:
        UsageError: There are several lines, or not the one that is wanted; or no serial is left.
    """
    lines = _by_line(releases)
    if choice.new:
        unlined = [UNLINED] if any(release.line is None for release in releases) else []
        older = [*unlined, *lines, *(each for members in lines.values() for each in _replaced_by(members))]
        return _position(fresh, 1, (*choice.replaces, *older), new=True)
    line = _chosen(demo, lines, choice.line) if lines or choice.line else fresh
    members = lines.get(line, ())
    # The first line of a demo goes on with the serials of releases that are older than lines: so do older hosts.
    counted = members or [release for release in releases if release.line is None]
    return _position(line, _next_serial(counted), (*choice.replaces, *_replaced_by(members)), new=not members)


def passed_over(existing: Release, releases: Sequence[Release]) -> str | None:
    """Why hosts may pass over `existing`, one of `releases` of its demo, by its line; None if they do not."""
    lines = _by_line(releases)
    heads = _heads(lines)
    if heads == [existing.line] or not lines:
        return None
    older = existing.line is None and len(heads) == 1 and existing.serial < min(each.serial for each in lines[heads[0]])
    if older:
        return None  # the line goes on from it
    where = f"in line {existing.line}" if existing.line else "in no line"
    return f"{where}, while {existing.name.demo} goes on in line {_shown(lines, heads or lines)}: hosts follow one line"


def _heads(lines: Mapping[LineId, Sequence[Release]]) -> list[LineId]:
    """The lines that no other one replaces."""
    replaced = {old for line, members in lines.items() for old in _replaced_by(members) if old != line}
    return [line for line in lines if line not in replaced]


def _shown(lines: Mapping[LineId, Sequence[Release]], some: Iterable[LineId]) -> str:
    return ", ".join(f"{line} (newest: {lines[line][0].name})" for line in some)


def _by_line(releases: Iterable[Release]) -> dict[LineId, list[Release]]:
    """The releases of each line, those with the highest serials first; releases without a line are left out."""
    found: dict[LineId, list[Release]] = {}
    for release in sorted(releases, key=lambda each: (-each.serial, each.name.version)):
        if release.line is not None:
            found.setdefault(release.line, []).append(release)
    return found


def _replaced_by(members: Iterable[Release]) -> list[LineId]:
    """What the releases of a line replace, the newest of them first."""
    return [line for release in members for line in release.replaces]


def _chosen(demo: str, lines: Mapping[LineId, Sequence[Release]], wanted: LineId | None) -> LineId:
    """The line to continue: the wanted one, or the only one. Hosts leave a line that another one replaces for good."""
    heads = _heads(lines)
    shown = _shown(lines, heads or lines)
    if wanted is None and len(heads) == 1:
        return heads[0]
    if wanted in heads:
        return wanted
    ways = f"go on with one of these with --line (line=): {shown}; or " if heads else ""
    ways += "" if lines else "omit --line (line=), as the first release of a demo has no line to continue; or "
    ways += "begin a line that replaces all others with --new-line (new_line=True)"
    if wanted is None:
        raise UsageError(
            f"{demo} has releases of several lines, as when those of another store were copied here, and no host "
            f"follows two of them; {ways}"
        )
    why = "was replaced by another one, which the hosts follow" if wanted in lines else "has no release here"
    raise UsageError(f"line {wanted} of {demo} {why}, by what this publisher's keys signed; {ways}")


def _next_serial(counted: Sequence[Release]) -> int:
    """One more than the highest.

    Raises:
        UsageError: It is too near to the end, or was not reached by counting.
    """
    if not counted:
        return 1
    newest, *others = sorted(counted, key=lambda release: release.serial, reverse=True)
    before = others[0].serial if others else 0
    if newest.serial - before <= JUMP and newest.serial <= SERIAL_LIMIT - JUMP:
        return newest.serial + 1
    raise UsageError(
        f"{newest.name} has serial {newest.serial}, which was not reached by counting (the one before it has {before}) "
        f"or is too near to the last, {SERIAL_LIMIT}: no release can follow it. Publish with --new-line "
        f"(new_line=True): hosts follow the new line, whatever serials they have seen"
    )


def _position(line: LineId, serial: int, replaces: Iterable[LineId], *, new: bool) -> LinePosition:
    wanted = [each for each in dict.fromkeys(replaces) if each != line]
    return LinePosition(line, serial, tuple(wanted[:REPLACES_LIMIT]), new, tuple(wanted[REPLACES_LIMIT:]))
