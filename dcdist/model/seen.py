"""What a host has seen of a demo's releases: the guard against a store that was set back or mixed up. Pure.

Invariant: of an entry, no serial ever falls. Entries of signers that are not trusted now have no say.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dcdist.model.identity import LineId
    from dcdist.model.release import SignedRelease

LINES_LIMIT: Final = 128
"""The most entries of one demo. One of the key that has the most goes first, the one noted longest ago: whoever stole a
key cannot have entries of another one forgotten."""

VERSIONS_LIMIT: Final = 200
"""The most versions that one entry remembers; likewise."""


@dataclass(frozen=True, slots=True)
class SeenLine:
    """What was seen of one line (None: of releases without one) in one store, signed by one key.

    `serial` is the highest; `versions` has the highest serial of each version, the one noted last at its end. `left`:
    another line replaced this one, or the user chose another, so that the host does not come back by itself.
    """

    store: str
    signer: str
    line: LineId | None
    serial: int = 0
    left: bool = False
    versions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeenDemo:
    """What a host has seen of one demo: `entries`, the one noted last at the end.

    `before`: the highest serial that an older dcdist noted, without saying whose and where; 0 if there is none.
    """

    entries: tuple[SeenLine, ...] = ()
    before: int = 0

    def counting(self, store: str, signers: Collection[str]) -> SeenDemo:
        """What counts at `store` for a host that trusts the keys `signers`."""
        entries = (each for each in self.entries if each.store == store and each.signer in signers)
        return SeenDemo(tuple(entries), self.before)

    @property
    def pin(self) -> LineId | None:
        """The line that the host follows; None if it has seen no line yet."""
        return next((each.line for each in reversed(self.entries) if each.line and not self.has_left(each.line)), None)

    def has_left(self, line: LineId | None) -> bool:
        """Whether the host does not go back to `line` by itself."""
        return any(each.left for each in self.entries if each.line == line)

    def highest(self, line: LineId | None) -> int:
        """The highest serial that was seen of `line`; 0 if none was."""
        return max((each.serial for each in self.entries if each.line == line), default=0)

    def highest_of(self, version: str, line: LineId | None) -> int:
        """The highest serial under which `version` of `line` was seen; 0 if it was not."""
        return max((each.versions.get(version, 0) for each in self.entries if each.line == line), default=0)

    def noted(self, store: str, seen: SignedRelease, *, left: Collection[LineId], chosen: bool) -> SeenDemo:
        """With a release that trusted keys signed, before which the host gives up the lines `left`.

        `chosen`: the user named the line, which sets aside what was left, and what an older dcdist noted.
        """
        release = seen.release
        kept = list(self.entries)
        for signer in sorted(seen.signers):
            for line in sorted(left):
                there = _taken(kept, store, signer, line) or SeenLine(store, signer, line)
                kept.append(replace(there, left=True))
            there = _taken(kept, store, signer, release.line) or SeenLine(store, signer, release.line)
            kept.append(_risen(there, release.name.version, release.serial))
        if chosen:
            kept = [_taken_up(each) if (each.store, each.line) == (store, release.line) else each for each in kept]
        before = 0 if chosen or release.serial >= self.before else self.before
        return SeenDemo(_within_limit(kept), before)


def _within_limit(entries: list[SeenLine]) -> tuple[SeenLine, ...]:
    places: dict[str, deque[int]] = {}
    for place, each in enumerate(entries):
        places.setdefault(each.signer, deque()).append(place)
    for _ in range(len(entries) - LINES_LIMIT):
        max(places.values(), key=len).popleft()
    return tuple(entries[place] for place in sorted(chain.from_iterable(places.values())))


def _taken(entries: list[SeenLine], store: str, signer: str, line: LineId | None) -> SeenLine | None:
    """The entry of that store, signer and line, taken out of `entries`."""
    for number, each in enumerate(entries):
        if (each.store, each.signer, each.line) == (store, signer, line):
            return entries.pop(number)
    return None


def _taken_up(entry: SeenLine) -> SeenLine:
    return replace(entry, left=False)


def _risen(entry: SeenLine, version: str, serial: int) -> SeenLine:
    seen = {name: each for name, each in entry.versions.items() if name != version}
    seen[version] = max(serial, entry.versions.get(version, 0))
    return replace(entry, serial=max(serial, entry.serial), versions=dict(list(seen.items())[-VERSIONS_LIMIT:]))


def store_identity(shown: str) -> str:
    """What tells a store from others: its URL as messages show it, which has no credentials, in its usual form."""
    scheme, colon, rest = shown.partition("://")
    host, slash, path = rest.partition("/")
    parts = [part for part in path.split("/") if part]
    return f"{scheme.lower()}{colon}{host.lower()}{slash}{'/'.join(parts)}".rstrip("/")
