"""Which release a host takes, of those that trusted keys signed: its line, then the latest of it. Pure.

Invariant: a host stays on its line, or goes on to one that replaces it; it never comes back to a line that it left, and
within a line never to a lower serial, unless the user says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.errors import LineError, RollbackError
from dcdist.model.identity import NO_LINE, UNLINED
from dcdist.model.seen import SeenDemo

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from dcdist.model.identity import LineId
    from dcdist.model.release import Release, SignedRelease

_NAMED = 5
"""Lines that one message names."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The release to take, and the lines that the host leaves for good when it takes it."""

    taken: SignedRelease
    left: frozenset[LineId] = frozenset()


def choose_latest(found: Sequence[SignedRelease], seen: SeenDemo, *, line: LineId | None, source: str) -> Choice:
    """The latest of `found`, which are releases of one demo, at least one, each signed by a trusted key.

    `seen` is what counts at this store; `line` is the one that the user names (NO_LINE: the releases without one), or
    None; `source` is the store, for messages.

    Raises:
        LineError: None of them is of the line to follow, or it is not clear which line that is.
        RollbackError: The latest has a lower serial than one that was seen.
    """
    lines = _Lines([each.release for each in found])
    if line is not None:
        head = None if line == NO_LINE else line
        if not lines.has(head):
            raise lines.lack(head, source)
        left = frozenset({seen.pin} if seen.pin is not None and seen.pin != head else ())
    else:
        head = lines.head(seen, source)
        left = lines.replaced_by(head) | ({seen.pin} if seen.pin else set()) - {head}
    taken = max((each for each in found if each.release.line == head), key=lambda each: rank(each.release))
    _require_not_older(taken.release, seen, chosen=line is not None, source=source)
    return Choice(taken, left)


def admit_named(named: SignedRelease, seen: SeenDemo, *, line: LineId | None, source: str) -> Choice:
    """The release that the user named, if it may be taken; see `choose_latest`.

    Raises:
        LineError: It is of another line than the host follows, or than the user named.
        RollbackError: This version has been seen with a higher serial.
    """
    release, pin = named.release, seen.pin
    if line is not None:
        if (release.line or NO_LINE) != line:
            raise LineError(
                f"{source}: {release.name} is of {_words(release.line)}, not of {_words(line)}, which --line (line) "
                "names; `dcdist show` tells the line of a release",
                source=source,
            )
    elif seen.has_left(release.line) and pin:
        raise LineError(
            f"{source}: {release.name} is of {_words(release.line)}, which this host left: it follows {_words(pin)}. "
            f"To go back all the same, name its line with --line {release.line or NO_LINE} (line); this host follows "
            f"that one from then on, until --line {pin} brings it back",
            source=source,
        )
    elif seen.has_left(release.line) or (pin not in {None, release.line} and pin not in release.replaces):
        raise LineError(
            f"{source}: {release.name} is of {_words(release.line)}, but this host "
            f"{f'follows {_words(pin)}' if pin else 'has left it'}: releases of two stores may be mixed up. If it is "
            f"the right one, say so with --line {release.line or NO_LINE} (line)",
            source=source,
        )
    highest = seen.highest_of(release.name.version, release.line)
    if pin is None and line is None and UNLINED not in release.replaces:
        highest = max(highest, seen.highest_of(release.name.version, None))
    if release.serial < highest:
        raise RollbackError(
            f"{source}: {release.name} has serial {release.serial}, but this host has seen {release.name} with serial "
            f"{highest}: it was published twice, and this is the older one; publish it again under another version",
            source=source,
        )
    left = {pin, *release.replaces} if pin is not None and pin != release.line else set(release.replaces)
    return Choice(named, frozenset(each for each in left if each is not None and each not in {UNLINED, release.line}))


def rank(release: Release) -> tuple[int, str]:
    """The latest of a line has the highest."""
    return release.serial, release.name.version


def latest_for_all(releases: Sequence[Release], *, line: LineId | None = None) -> Release | None:
    """The latest for a host that has seen none of `releases`; None if there is none, or its line is not clear.

    `line`: as for `choose_latest`.
    """
    heads = _Lines(releases).heads(SeenDemo()) if line is None else [None if line == NO_LINE else line]
    if len(heads) != 1:
        return None
    return max((each for each in releases if each.line == heads[0]), key=rank, default=None)


def no_latest(releases: Sequence[Release], *, line: LineId | None, source: str) -> LineError:
    """Why `latest_for_all` found none of `releases`, of which there are some."""
    lines = _Lines(releases)
    if line is not None:
        return lines.lack(None if line == NO_LINE else line, source)
    return lines.several(lines.heads(SeenDemo()), source)


class _Lines:
    """The lines of some releases of a demo, and which line each replaces."""

    def __init__(self, releases: Sequence[Release]) -> None:
        self._newest: dict[LineId | None, Release] = {}
        self._replaces: dict[LineId, set[LineId]] = {}
        for each in sorted(releases, key=rank):
            self._newest[each.line] = each
            if each.line is not None:
                self._replaces.setdefault(each.line, set()).update(each.replaces)

    def heads(self, seen: SeenDemo) -> list[LineId | None]:
        """The lines that a host may follow; more than one, or none, and it is not clear which."""
        pin = seen.pin
        lines = {each for each in self._replaces if not seen.has_left(each)}
        if pin is not None:
            lines &= self._successors(pin, lines)
        elif not lines:
            return [None] if None in self._newest else []
        replaced = {old for line in lines for old in self._replaces[line]}
        found: list[LineId | None] = [*sorted(lines - replaced)]
        # Lines that replace each other are a mistake, or a stolen key's: nobody moves.
        return found or [each for each in (pin,) if each in lines]

    def head(self, seen: SeenDemo, source: str) -> LineId | None:
        """The one line to follow.

        Raises:
            LineError: It is not there, or several may be.
        """
        found = self.heads(seen)
        if len(found) == 1:
            return found[0]
        if seen.pin is not None and not found and not self.has(seen.pin):
            raise self.lack_followed(seen.pin, source)
        raise self.several(found, source)

    def has(self, line: LineId | None) -> bool:
        """Whether there is a release of `line`."""
        return line in self._newest

    def lack(self, line: LineId | None, source: str) -> LineError:
        """There is no release of the line that the user named."""
        return LineError(
            f"{source} has no release of {self._demo} of {_words(line)}, which --line (line) names; it has "
            f"{self._told(self._newest)}. Name one of these, or the version",
            source=source,
        )

    def lack_followed(self, line: LineId, source: str) -> LineError:
        """There is no release of the line that the host follows, nor of one that replaces it."""
        return LineError(
            f"{source} has no release of {self._demo} of {_words(line)}, which this host follows, and that nothing "
            f"there replaces; it has {self._told(self._newest)}. If the releases there are the right ones, choose a "
            "line with --line ID (line), or name the version",
            source=source,
        )

    def several(self, heads: Collection[LineId | None], source: str) -> LineError:
        """It is not clear which of `heads` to follow; if there are none, they replace each other."""
        return LineError(
            f"{source} has releases of several lines, and none replaces the others, so it is not clear which one to "
            f"follow: {self._told(heads or self._newest)}. Choose with --line ID (line), or name the version",
            source=source,
        )

    def replaced_by(self, line: LineId | None) -> frozenset[LineId]:
        """The lines that `line` replaces, and those that these replace."""
        found: set[LineId] = set()
        ahead = [line] if line is not None else []
        while ahead:
            new = self._replaces.get(ahead.pop(), set()) - found
            found |= new
            ahead.extend(new)
        return frozenset(found - {line, UNLINED})

    def _successors(self, pin: LineId, lines: set[LineId]) -> set[LineId]:
        """`pin`, the lines that replace it, those that replace these, and so on."""
        found, grown = {pin}, True
        while grown:
            new = {line for line in lines - found if self._replaces[line] & found}
            found |= new
            grown = bool(new)
        return found

    @property
    def _demo(self) -> str:
        return next(iter(self._newest.values())).name.demo

    def _told(self, lines: Collection[LineId | None]) -> str:
        """In words, the newest first."""
        newest = sorted((self._newest[each] for each in lines), key=rank, reverse=True)
        told = [f"{_words(each.line)} (newest {each.name}, serial {each.serial})" for each in newest[:_NAMED]]
        more = len(newest) - _NAMED
        return ", ".join(told) + (f" and {more} more" if more > 0 else "")


def _words(line: LineId | None) -> str:
    return "no line" if line in {None, NO_LINE} else f"line {line}"


def _require_not_older(latest: Release, seen: SeenDemo, *, chosen: bool, source: str) -> None:
    highest = seen.highest(latest.line)
    whose = "there"
    if not chosen and seen.pin is None and UNLINED not in latest.replaces:
        highest = max(highest, seen.highest(None))
        if seen.before > highest:
            highest, whose = seen.before, "by the record of an older dcdist"
    if latest.serial >= highest:
        return
    advice = f"name the version, or the line with --line {latest.line or NO_LINE} (line)"
    if whose == "there":
        advice = "name the version"
    raise RollbackError(
        f"the latest release of {latest.name.demo} in {source} is {latest.name} with serial {latest.serial}, but this "
        f"host has seen serial {highest} {whose}: the store was set back or replaced; if that is intended, {advice}",
        source=source,
    )
