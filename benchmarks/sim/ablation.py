"""What does each rule of the policy earn? Every situation without it, beside the same with all rules.

A gain of 3 % says that the last host would need 3 % longer, or that the store would send 3 % more, without the rule.
Each figure is the mean of some seeds: one alone differs by a per cent or two for any change.
"""

from __future__ import annotations

import random
import statistics
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.compare import scenarios
from benchmarks.sim import fleet, single
from benchmarks.sim.fleet import Event, Fleet
from benchmarks.sim.single import Course
from dcdist.model.geometry import MIB
from dcdist.policy.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

EARNS = 0.01
"""A gain that counts, as a part of the time or of the copies."""

_SIZE = 96 * MIB
_RATE = 50e6
_SMALL, _SMALL_RATE, _SMALL_STORE = 5_000_000, 480e6, 128e6
"""The update of the quick start: bytes, and links in bits a second."""

HEAD = ("rule", "time: most gained", "most lost", "copies: most gained", "most lost")


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a situation: when the last host had all (seconds, or over its limit), and copies sent."""

    last: float
    copies: float


@dataclass(frozen=True, slots=True)
class Situation:
    """One situation by its name; `run` simulates it without some rules and with a seed."""

    name: str
    run: Callable[[tuple[str, ...], int], Came]


@dataclass(frozen=True, slots=True)
class Gain:
    """What a rule gains in one situation, as parts of what there is with all rules; negative: it costs so much."""

    rule: str
    situation: str
    time: float
    copies: float


def situations() -> Iterator[Situation]:
    """All of them: the comparison's, a small update, a stream, and a fleet of several prefixes."""
    for prefer in ("time", "egress"):
        for name in scenarios.SUMMARIES:
            course = Course(name, 8, _RATE, _RATE, _SIZE, prefer, 1)
            yield Situation(f"{name}, {prefer}", partial(_course, course))
        small = Course("cold", 4, _SMALL_RATE, _SMALL_STORE, _SMALL, prefer, 1)
        yield Situation(f"small, {prefer}", partial(_small, small))
        stream = Course("cold", 8, _RATE, _RATE, _SIZE, prefer, 1, stream=True)
        yield Situation(f"stream, {prefer}", partial(_course, stream))
    large = Fleet(Event.FLASH, 1000, 1e9, 10e9, 2_000_000_000, 4 * MIB, "egress", single.EFFICIENCY)
    yield Situation("1,000 hosts, egress", partial(_fleet, large))


def gains(rules: Iterable[str], chosen: Sequence[Situation], seeds: Sequence[int]) -> Iterator[Gain]:
    """What each rule gains in each situation."""
    usual = {each.name: _mean(each, (), seeds) for each in chosen}
    for rule in rules:
        for each in chosen:
            without, with_all = _mean(each, (rule,), seeds), usual[each.name]
            yield Gain(rule, each.name, without.last / with_all.last - 1, without.copies / with_all.copies - 1)


def table(found: Sequence[Gain]) -> str:
    """A row a rule, as Markdown: where it gains and loses most."""
    lines = [f"| {' | '.join(HEAD)} |", "| --- | --- | --- | --- | --- |"]
    for rule in dict.fromkeys(each.rule for each in found):
        rows = [each for each in found if each.rule == rule]
        cells = []
        for share in (lambda gain: gain.time, lambda gain: gain.copies):
            cells += [_cell(max(rows, key=share), share), _cell(min(rows, key=share), share)]
        lines.append(f"| `{rule}` | {cells[0]} | {cells[1]} | {cells[2]} | {cells[3]} |")
    return "\n".join(lines) + "\n"


def chosen_rules(names: Iterable[str] | None) -> tuple[str, ...]:
    """Those that were asked for; all if none were."""
    return tuple(names or Rule)


def _cell(gain: Gain, share: Callable[[Gain], float]) -> str:
    value = share(gain)
    if abs(value) < EARNS:
        return "under 1 %"
    return f"{value:+.0%} ({gain.situation})".replace("%", " %")


def _mean(situation: Situation, without: tuple[str, ...], seeds: Sequence[int]) -> Came:
    came = [situation.run(without, seed) for seed in seeds]
    return Came(statistics.mean(each.last for each in came), statistics.mean(each.copies for each in came))


def _course(course: Course, without: tuple[str, ...], seed: int) -> Came:
    judged = single.run(replace(course, without=without, seed=seed))
    return Came(judged.over, judged.outcome.copies)


def _small(course: Course, without: tuple[str, ...], seed: int) -> Came:
    # Processes that begin together on one machine are there one after another.
    chance = random.Random(seed)
    start_ups = tuple(chance.uniform(0.0, 0.3) for _ in range(course.hosts))
    return _course(replace(course, start_ups=start_ups), without, seed)


def _fleet(large: Fleet, without: tuple[str, ...], seed: int) -> Came:
    figures = fleet.run(replace(large, without=without, seed=seed))
    return Came(figures.over, figures.copies)
