"""Races -> rows: medians and ranges over the rounds, for each scenario and contender. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.report import Spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.compare.outcome import Comparison, Race


@dataclass(frozen=True, slots=True)
class Row:
    """One contender in one scenario.

    `last`: seconds until the last judged host was done; `over_limit`: that over the limit (or the worst host's time
    over its own); `copies`: what the store sent, `least` what it must; `received`: megabytes a host; `peers`: the share
    of them that came from other hosts, 0 to 1; `apart`: the worst host that is not judged (the
    slow one) over its own F/d, None if all are. Without a single round that ended well all are None, and `failure` says
    why, or `called_off` at how many times the limit it was stopped as planned.
    """

    scenario: str
    contender: str
    title: str
    rounds: int
    failed: int
    last: Spread | None
    over_limit: Spread | None
    copies: Spread | None
    least: float
    received: float | None
    peers: float | None
    apart: Spread | None
    failure: str | None
    called_off: float | None = None


def rows(comparison: Comparison) -> list[Row]:
    """Rows by scenario, in the order in which they ran; within one, the quickest first and failures last."""
    groups: dict[tuple[str, str], list[Race]] = {}
    for race in comparison.races:
        groups.setdefault((race.scenario, race.contender), []).append(race)
    scenarios = list(dict.fromkeys(race.scenario for race in comparison.races))
    found = [_row(group, comparison.titles.get(name[1], name[1])) for name, group in groups.items()]
    return sorted(found, key=lambda row: (scenarios.index(row.scenario), _speed(row)))


def scenarios_of(comparison: Comparison) -> list[str]:
    """The scenarios in the order in which they ran."""
    return list(dict.fromkeys(race.scenario for race in comparison.races))


def typical(comparison: Comparison, scenario: str) -> list[Race]:
    """Of each contender the good race with the median time, in the order of its rows."""
    chosen = []
    for row in rows(comparison):
        good = _good(
            [race for race in comparison.races if (race.scenario, race.contender) == (scenario, row.contender)]
        )
        if row.scenario == scenario and good:
            chosen.append(sorted(good, key=lambda race: race.over_limit)[(len(good) - 1) // 2])
    return chosen


def _good(races: Sequence[Race]) -> list[Race]:
    return [race for race in races if race.ended_well]


def _row(races: Sequence[Race], title: str) -> Row:
    good = _good(races)
    first = races[0]
    bad = [race.failure for race in races if race.failure is not None]
    taken = sum(host.received for race in good for host in race.hosts)
    hosts = sum(len(race.hosts) for race in good)
    return Row(
        scenario=first.scenario,
        contender=first.contender,
        title=title,
        rounds=len(races),
        failed=len(bad),
        last=Spread.of([race.last for race in good]) if good else None,
        over_limit=Spread.of([race.over_limit for race in good]) if good else None,
        copies=Spread.of([race.copies for race in good]) if good else None,
        least=first.limit_copies,
        received=taken / hosts / 1e6 if hosts else None,
        peers=sum(race.from_peers for race in good) / taken if taken else None,
        apart=Spread.of(apart) if (apart := [worst for race in good for worst in _apart(race)]) else None,
        failure=bad[0] if bad else None,
        called_off=None if good else min((race.called_off for race in races if race.called_off), default=None),
    )


def _apart(race: Race) -> list[float]:
    ratios = [host.seconds / race.own_limits[host.host] for host in race.hosts if host.host not in race.judged]
    return [max(ratios)] if ratios else []


def _speed(row: Row) -> tuple[bool, float]:
    speed = row.over_limit.median if row.over_limit is not None else float("inf")
    return bool(row.failed == row.rounds), speed


def without_end(row: Row) -> str:
    """Why a row has no figures, for people."""
    return "failed" if row.called_off is None else f"called off at {row.called_off:g} x"
