"""How far is the simulator from real hosts? The scenarios of a recorded comparison, beside what was measured.

Each simulated host begins when the real one did, as the samples show it: the model is of store, swarm and policy, not
of how long many processes take to start on one machine. What one start for all gives is shown beside it.
"""

from __future__ import annotations

import json
import re
import statistics
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from benchmarks.compare.outcome import from_json
from benchmarks.measure import BenchmarkError
from benchmarks.sim.single import Course, payload, run
from tools.lab.network import parse_rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.compare.outcome import Comparison, Race
    from dcdist.sim.outcome import Outcome

PREFER = {"dcdist": "time", "dcdist-egress": "egress"}
"""The contenders of the comparison that are simulated."""

SEEDS = 5
HEAD = (
    "scenario       hosts prefer  real: start s  last s  copies   simulated: last s  copies   time off  copies off"
    "   one start: time off"
)

BEGUN = 2000
"""A host has begun with the layers when it has received one part in so many of them; before come manifest and index,
a seventh to a half of that."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One scenario: medians of the real rounds and of the simulated seeds; seconds and copies.

    `real_start`: until a real host of the first round began with the layers, in the median; the simulated ones begin as
    those do. `alike_last`: the last host's time where all take as long to start as the model has it.
    """

    scenario: str
    prefer: str
    rounds: int
    hosts: int
    size: int
    real_start: float
    real_last: float
    real_copies: float
    simulated_last: float
    simulated_copies: float
    simulated_range: tuple[float, float]
    alike_last: float

    @property
    def time_off(self) -> float:
        """Simulated over real time, less 1."""
        return self.simulated_last / self.real_last - 1

    @property
    def copies_off(self) -> float:
        """Simulated over real copies, less 1."""
        return self.simulated_copies / self.real_copies - 1

    @property
    def alike_off(self) -> float:
        """Simulated over real time, less 1, with one start for all."""
        return self.alike_last / self.real_last - 1


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
        f"{difference.scenario:<14} {difference.hosts:>5} {difference.prefer:<6} {difference.real_start:>14.1f}"
        f" {difference.real_last:>7.1f}"
        f" {difference.real_copies:>7.2f} {difference.simulated_last:>19.1f} {difference.simulated_copies:>7.2f}"
        f" {difference.time_off:>+10.1%} {difference.copies_off:>+11.1%}"
        f" {difference.alike_off:>+21.1%}"
    )


def start_ups(race: Race) -> tuple[float, ...]:
    """Seconds from each host's start to the last sample before it had begun to receive the layers.

    Raises:
        BenchmarkError: There is none.
    """
    found = []
    for number, host in enumerate(race.hosts):
        idle = [sample.at for sample in race.samples if sample.received[number] * BEGUN <= race.size]
        if not idle:
            raise BenchmarkError(f"no sample of {race.scenario} shows when {host.host} began")
        found.append(max(0.0, idle[-1] - host.started))
    return tuple(found)


def compared(race: Race) -> tuple[int, ...]:
    """The numbers of the hosts that count: those judged, of `late-joiner` without the late one.

    Of that one its own link alone decides, and it would hide the others.
    """
    first = min(host.started for host in race.hosts)
    late = race.scenario == "late-joiner"
    return tuple(
        number
        for number, host in enumerate(race.hosts)
        if host.host in race.judged and not (late and host.started > first)
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
    course = Course(first.scenario, hosts, rate, store_rate, size, prefer, 1, efficiency)
    real = start_ups(first)
    runs = _runs(replace(course, start_ups=real), share)
    numbers = compared(first)
    lasts = [_last(outcome, numbers) for outcome in runs]
    return Difference(
        first.scenario,
        prefer,
        len(races),
        hosts,
        first.size,
        statistics.median(real),
        statistics.median(max(race.hosts[number].finished for number in numbers) for race in races),
        statistics.median(race.copies for race in races),
        statistics.median(lasts),
        statistics.median(outcome.copies for outcome in runs),
        (min(lasts), max(lasts)),
        statistics.median(_last(outcome, numbers) for outcome in _runs(course, share)),
    )


def _runs(course: Course, share: float) -> list[Outcome]:
    """The same course with each of the seeds; `share`: payload bytes of a bit of a link."""
    return [run(replace(course, seed=seed), lambda bits: bits * share).outcome for seed in range(1, SEEDS + 1)]


def _last(outcome: Outcome, numbers: Sequence[int]) -> float:
    """When the last of these hosts had all."""
    times = [outcome.hosts[number].finished for number in numbers]
    return max(float("inf") if at is None else at for at in times)


def _rate(comparison: Comparison, link: str) -> float:
    text = comparison.about[link]
    found = re.fullmatch(r"([\d.]+) ([kMG]?)bit/s", text)
    if found is None:
        raise BenchmarkError(f"the comparison's {link} is {text!r}, which is no rate")
    return parse_rate(f"{found[1]}{found[2].lower()}bit")
