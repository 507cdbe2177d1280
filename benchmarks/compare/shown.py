"""What README and documents show of a comparison: which scenarios and contenders, in which order, by which names. Pure.

Invariant: a scenario is shown beside others only if another way of distribution raced in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.compare.contenders import titles
from benchmarks.compare.summary import rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.compare.outcome import Comparison
    from benchmarks.compare.summary import Row

SCENARIO_TITLES = {"ample": "ample store", "scarce": "scarce store", "slow-up": "slow uploads"}
"""Where a scenario's name does not say it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`scenarios` and `contenders` by name, with their titles; `limits`: seconds; `rows` by scenario and contender."""

    scenarios: Mapping[str, str]
    contenders: Mapping[str, str]
    limits: Mapping[str, float]
    rows: Mapping[tuple[str, str], Row]

    def least(self, scenario: str) -> float:
        """The fewest copies that the store must send."""
        return next(row.least for (name, _), row in self.rows.items() if name == scenario)


def is_ours(contender: str) -> bool:
    """Whether it runs dcdist."""
    return contender.startswith("dcdist")


def shown(comparison: Comparison) -> Shown:
    """What is shown of a comparison."""
    found = rows(comparison)
    scenarios = list(dict.fromkeys(row.scenario for row in found if not is_ours(row.contender)))
    here = {(row.scenario, row.contender): row for row in found if row.scenario in scenarios}
    names = titles()
    ran = {contender for _, contender in here}
    order = [*(name for name in names if name in ran), *sorted(ran - names.keys())]
    return Shown(
        {name: SCENARIO_TITLES.get(name, name) for name in scenarios},
        {name: names.get(name, comparison.titles.get(name, name)) for name in order},
        {race.scenario: race.limit_seconds for race in comparison.races if race.scenario in scenarios},
        here,
    )
