"""This checkout beside another one, raced in the same run: how much of the other's time and copies it takes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.compare.summary import Row
    from benchmarks.report import Spread

BEFORE = {"before": "dcdist", "before-egress": "dcdist-egress"}
"""The contenders that run the other checkout, each with the one of this checkout that it stands beside."""


@dataclass(frozen=True, slots=True)
class Versus:
    """One way of running dcdist in one scenario: medians of this checkout over those of the other; below 1 is better.

    None: one of the two has no good round.
    """

    scenario: str
    contender: str
    before: str
    time: float | None
    copies: float | None


def versus(found: Sequence[Row]) -> list[Versus]:
    """All pairs that raced in the same scenario, in the order of the scenarios."""
    rows = {(row.scenario, row.contender): row for row in found}
    return [
        _pair(rows[scenario, contender], rows[scenario, before])
        for scenario in dict.fromkeys(row.scenario for row in found)
        for before, contender in BEFORE.items()
        if (scenario, contender) in rows and (scenario, before) in rows
    ]


def sentence(pair: Versus) -> str:
    """One line for people."""
    names = f"{pair.scenario}: {pair.contender} beside {pair.before}"
    if pair.time is None or pair.copies is None:
        return f"{names}: no good round of one of them"
    return f"{names}: {pair.time:.3f} times the time, {pair.copies:.3f} times the copies"


def _pair(now: Row, before: Row) -> Versus:
    time, copies = _ratio(now.over_limit, before.over_limit), _ratio(now.copies, before.copies)
    return Versus(now.scenario, now.contender, before.contender, time, copies)


def _ratio(now: Spread | None, before: Spread | None) -> float | None:
    return round(now.median / before.median, 4) if now and before else None
