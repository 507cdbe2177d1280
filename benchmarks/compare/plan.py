"""What a comparison races: who, where, how often, and in which order. Pure.

Invariant: over the rounds no contender always comes first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.compare.scenarios import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.compare.contender import Contender


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run.

    `rate`, `store_rate`: bits a second; `size`: bytes of the image; `real`: a directory with two XVAs, None for random
    bytes; `only`: the contenders of the scenarios that name some; `call_off`: times the limit after which a contender
    that is not a swarm is called off, None for never; `to_the_end`: the scenarios where it is not, each with the names
    of the contenders, or with none for all; `against`: the commit of the other checkout, if there is one.
    """

    hosts: int
    rate: float
    store_rate: float
    size: int
    real: Path | None
    scenarios: tuple[str, ...]
    contenders: tuple[Contender, ...]
    only: Mapping[str, tuple[str, ...]]
    rounds: int
    call_off: float | None = None
    to_the_end: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    against: str | None = None


def turns(plan: Plan) -> Iterator[tuple[int, str, Contender]]:
    """Round, scenario and contender of each race, in the order in which they run: one whole round after the other."""
    for number in range(plan.rounds):
        for scenario in plan.scenarios:
            for contender in in_turn(plan.contenders, number):
                if _takes_part(plan, contender, scenario, number):
                    yield number, scenario, contender


def patience(plan: Plan, scenario: str, contender: Contender) -> float | None:
    """Times the limit after which a contender is called off in a scenario; None: it races to its end."""
    named = plan.to_the_end.get(scenario)
    to_the_end = named is not None and (not named or contender.name in named)
    return None if contender.swarm or to_the_end else plan.call_off


def in_turn(contenders: tuple[Contender, ...], number: int) -> tuple[Contender, ...]:
    """The order of one round: every other one runs backwards, and each pair of rounds begins with another contender."""
    start = number // 2 % max(1, len(contenders))
    order = contenders[start:] + contenders[:start]
    return order[::-1] if number % 2 else order


def _takes_part(plan: Plan, contender: Contender, scenario: str, number: int) -> bool:
    """Whether it races. A contender that sends all from one place is slow and steady: once, in few scenarios."""
    if contender.name not in plan.only.get(scenario, (contender.name,)):
        return False
    if not contender.swarm and number > 0:
        return False
    if contender.updates_only:
        return scenario == "update"
    return contender.swarm or scenario in EVERYBODY or plan.call_off is not None or scenario in plan.to_the_end
