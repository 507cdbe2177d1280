"""Was every corruption found, and put down to its source? Compares what was injected with what hosts told. Pure.

Invariant: each injected byte has one fate, and each word about the store's bytes is held against one injected byte.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TOLD = "told with its source"
LEFT = "thrown away with a request that was left or broke off"
ENDED = "not looked at: the fetch ended before"
NEEDLESS = "not looked at: the piece was there already"
UNEXPLAINED = "not told, and nobody knows why"

_RANGE = re.compile(r": bytes (\d+) to (\d+) \(piece ")


@dataclass(frozen=True, slots=True)
class Injected:
    """A byte that the store gave `host` wrong: of which object, as hosts name it, where in it, and when (UNIX time)."""

    host: str
    source: str
    offset: int
    at: float


@dataclass(frozen=True, slots=True)
class Word:
    """What a host told of wrong bytes: where they came from, which of the object (all, if it did not say), and when."""

    source: str
    at: float
    bytes: range | None = None

    def fits(self, injected: Injected) -> bool:
        """Whether this may be about that byte."""
        there = self.source == injected.source and self.at >= injected.at
        return there and (self.bytes is None or injected.offset in self.bytes)


@dataclass(frozen=True, slots=True)
class Run:
    """One fetch: when it ran, whether it ended well, what it told of wrong bytes, which requests failed and when."""

    host: str
    begun: float
    ended: float
    done: bool
    words: tuple[Word, ...]
    failed: tuple[tuple[str, float], ...]


@dataclass(slots=True)
class Attribution:
    """Injected bytes by their fates; words about the store for which nothing was injected."""

    fates: Counter[str] = field(default_factory=Counter)
    unfounded: list[Word] = field(default_factory=list)


def attribute(injected: Iterable[Injected], runs: Sequence[Run], *, store: str) -> Attribution:
    """Find the fate of each injected byte; `store` is how sources in it begin."""
    result = Attribution()
    unused = {id(run): [word for word in run.words if word.source.startswith(store)] for run in runs}
    for each in sorted(injected, key=lambda each: each.at):
        run = next((run for run in runs if run.host == each.host and run.begun <= each.at <= run.ended), None)
        result.fates[UNEXPLAINED if run is None else _fate(each, run, unused[id(run)])] += 1
    result.unfounded = [word for words in unused.values() for word in words]
    return result


def _fate(injected: Injected, run: Run, unused: list[Word]) -> str:
    word = next((word for word in unused if word.fits(injected)), None)
    if word is not None:
        unused.remove(word)
        return TOLD
    if any(source == injected.source and at >= injected.at for source, at in run.failed):
        return LEFT
    return NEEDLESS if run.done else ENDED


def read_log(host: str, begun: float, ended: float, lines: Iterable[str], *, done: bool) -> tuple[Run, Counter[str]]:
    """A run as its event log has it, and its troubles by kind. Lines that a kill cut off are passed over."""
    words: list[Word] = []
    failed: list[tuple[str, float]] = []
    troubles: Counter[str] = Counter()
    for line in lines:
        record = _record(line)
        if record.get("event") != "troubled":
            continue
        kind, source, at = str(record["kind"]), str(record["source"]), _seconds(str(record["time"]))
        troubles[kind] += 1
        if kind == "corrupt":
            words.append(Word(source, at, _bytes(str(record["message"]))))
        elif kind == "store":
            failed.append((source, at))
    return Run(host, begun, ended, done, tuple(words), tuple(failed)), troubles


def _record(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _bytes(message: str) -> range | None:
    found = _RANGE.search(message)
    return range(int(found[1]), int(found[2]) + 1) if found else None


def _seconds(time: str) -> float:
    # Logs have milliseconds: what was told in the one in which it was injected came after it.
    return datetime.fromisoformat(time).timestamp() + 0.001
