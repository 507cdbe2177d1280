"""How far is the simulator from real hosts? The scenarios of a recorded comparison, beside what was measured."""

from __future__ import annotations

import json
import re
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from benchmarks.compare.outcome import from_json
from benchmarks.measure import BenchmarkError
from benchmarks.sim.single import Course, payload, run
from tools.lab.network import parse_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.compare.outcome import Comparison, Race

PREFER = {"dcdist": "time", "dcdist-egress": "egress"}
"""The contenders of the comparison that are simulated."""

SEEDS = 5
HEAD = "scenario       hosts prefer  real: last s  copies   simulated: last s  copies   time off  copies off"


@dataclass(frozen=True, slots=True)
class Difference:
    """One scenario: medians of the real rounds and of the simulated seeds; seconds and copies."""

    scenario: str
    prefer: str
    rounds: int
    hosts: int
    size: int
    real_last: float
    real_copies: float
    simulated_last: float
    simulated_copies: float
    simulated_range: tuple[float, float]

    @property
    def time_off(self) -> float:
        """Simulated over real time, less 1."""
        return self.simulated_last / self.real_last - 1

    @property
    def copies_off(self) -> float:
        """Simulated over real copies, less 1."""
        return self.simulated_copies / self.real_copies - 1


def differences(place: Path, efficiency: float) -> Iterator[Difference]:
    """Each scenario of a comparison that dcdist took part in.

    Raises:
        BenchmarkError: The file is no comparison, or has none.
    """
    try:
        comparison = from_json(json.loads(place.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BenchmarkError(f"{place} is no comparison: {fault!r}") from fault
    by_case: dict[tuple[str, str], list[Race]] = {}
    for race in comparison.races:
        if race.contender in PREFER and race.failure is None:
            by_case.setdefault((race.scenario, PREFER[race.contender]), []).append(race)
    if not by_case:
        raise BenchmarkError(f"{place} has no race of dcdist")
    for (_, prefer), races in by_case.items():
        yield _difference(comparison, races, prefer, efficiency)


def show(difference: Difference) -> str:
    """One line."""
    return (
        f"{difference.scenario:<14} {difference.hosts:>5} {difference.prefer:<6} {difference.real_last:>13.1f}"
        f" {difference.real_copies:>7.2f} {difference.simulated_last:>19.1f} {difference.simulated_copies:>7.2f}"
        f" {difference.time_off:>+10.1%} {difference.copies_off:>+11.1%}"
    )


def to_json(found: Sequence[Difference], efficiency: float, places: Sequence[Path]) -> dict[str, object]:
    """As plain values, with what it was made from."""
    return {
        "comparisons": [str(place) for place in places],
        "efficiency": efficiency,
        "differences": [asdict(each) for each in found],
    }


def _difference(comparison: Comparison, races: list[Race], prefer: str, efficiency: float) -> Difference:
    first = races[0]
    hosts = len(first.hosts)
    rate, store_rate = _rate(comparison, "host link"), _rate(comparison, "store link")
    share = comparison.rates.get(f"{rate:.0f}", payload(rate)) / rate
    # The comparison's own sizes are what moves: of an update the part that is new.
    size = first.size * 4 if first.scenario == "update" else first.size
    runs = [
        run(
            Course(first.scenario, hosts, rate, store_rate, size, prefer == "time", seed, efficiency),
            lambda bits: bits * share,
        )
        for seed in range(1, SEEDS + 1)
    ]
    lasts = [judged.last for judged in runs]
    judged_hosts = set(first.judged)
    return Difference(
        first.scenario,
        prefer,
        len(races),
        hosts,
        first.size,
        statistics.median(max(host.finished for host in race.hosts if host.host in judged_hosts) for race in races),
        statistics.median(race.copies for race in races),
        statistics.median(lasts),
        statistics.median(judged.outcome.copies for judged in runs),
        (min(lasts), max(lasts)),
    )


def _rate(comparison: Comparison, link: str) -> float:
    text = comparison.about[link]
    found = re.fullmatch(r"([\d.]+) ([kMG]?)bit/s", text)
    if found is None:
        raise BenchmarkError(f"the comparison's {link} is {text!r}, which is no rate")
    return parse_rate(f"{found[1]}{found[2].lower()}bit")
