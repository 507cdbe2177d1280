"""One situation of the comparison, simulated: the same links and starts, and the same limit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.compare import scenarios
from dcdist.model.geometry import LAYER_LIMIT, MIB, Geometry
from dcdist.policy.preference import PREFERENCES
from dcdist.policy.rules import Rule
from dcdist.sim.scenario import HostSpec, Scenario, StoreSpec, SwarmSpec
from dcdist.sim.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.sim.outcome import HostOutcome, Outcome

PAYLOAD = 0.957
"""Payload over nominal rate of one plain TCP flow over a shaped link of the comparison."""

EFFICIENCY = 0.97
"""Of the swarm, unless told otherwise: see docs/simulator.md for what it was fitted to."""

UPDATED = 4
"""An update brings one part in so many; the rest is in layers that all hosts hold."""

HEAD = "scenario       seed  over limit  last s  copies    c*  front  requests  membership/s  planner ms/host  took s"


@dataclass(frozen=True, slots=True)
class Course:
    """What to simulate: a scenario of the comparison for `size` bytes of layers; rates are bits a second.

    `fleet_store_rate`: the bound on what all hosts together take from the store; None: there is none. `start_ups`:
    seconds until each host registers; None: the model's, the same for all. `without`: rules that are off.
    """

    name: str
    hosts: int
    rate: float
    store_rate: float
    size: int
    prefer: str
    seed: int
    efficiency: float = EFFICIENCY
    fleet_store_rate: float | None = None
    stream: bool = False
    start_ups: tuple[float, ...] | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of it: time over the limit, when the last judged host had all, the limit's copies, seconds it took."""

    over: float
    last: float
    least_copies: float
    outcome: Outcome
    took: float


def payload(bits: float) -> float:
    """Payload bytes a second of a link of so many bits a second."""
    return bits / 8 * PAYLOAD


def layers_of(size: int) -> tuple[Geometry, ...]:
    """The layers of a release of `size` bytes: full ones, and the rest."""
    full, rest = divmod(size, LAYER_LIMIT)
    return tuple(Geometry.for_length(length) for length in [LAYER_LIMIT] * full + [rest] * bool(rest))


def run(course: Course, carried: Callable[[float], float] = payload) -> Judged:
    """Simulate it. `carried` gives the payload bytes a second of a link of so many bits a second."""
    size = course.size // UPDATED if course.name == "update" else course.size
    built = scenarios.build(course.name, course.hosts, course.rate, course.store_rate, size / carried(course.rate))
    start_ups: tuple[float | None, ...] = course.start_ups or (None,) * course.hosts
    hosts = (
        HostSpec(carried(link.up), carried(link.down), built.starts[name], start_up=start_up)
        for (name, link), start_up in zip(built.hosts.items(), start_ups, strict=True)
    )
    scenario = Scenario(
        layers_of(size),
        tuple(hosts),
        StoreSpec(carried(built.store.up)),
        SwarmSpec(efficiency=course.efficiency),
        preference=PREFERENCES[course.prefer],
        stream=course.stream,
        fleet_store_rate=None if course.fleet_store_rate is None else course.fleet_store_rate / 8,
        seed=course.seed,
        without=frozenset(map(Rule, course.without)),
    )
    begun = time.monotonic()
    outcome = simulate(scenario, clock=time.perf_counter)
    took = time.monotonic() - begun
    bound = built.limit(size, carried)
    judged = {name: host for name, host in zip(built.hosts, outcome.hosts, strict=True) if name in built.judged}
    last = max(_finished(host) for host in judged.values())
    if built.together:
        over = last / bound.seconds
    else:
        own = built.own_limits(size, carried)
        over = max((_finished(host) - host.started) / own[name] for name, host in judged.items())
    return Judged(over, last, bound.copies, outcome, took)


def show(course: Course, judged: Judged, *, draws: bool) -> str:
    """A line of figures, and lines about second copies."""
    outcome = judged.outcome
    line = (
        f"{course.name:<14} {course.seed:>4}  {judged.over:>10.3f} {judged.last:>7.1f} {outcome.copies:>7.3f}"
        f" {judged.least_copies:>5.2f} {outcome.front:>6.2f} {outcome.store.requests:>9}"
        f" {outcome.store.membership_peak:>13} {outcome.planning * 1000:>16.0f} {judged.took:>7.1f}"
    )
    return "\n".join([line, *_second_copies(outcome), *(_draws(outcome) if draws else [])])


def _finished(host: HostOutcome) -> float:
    return float("inf") if host.finished is None else host.finished


def _second_copies(outcome: Outcome) -> list[str]:
    drawn = ", ".join(f"{why} {size / MIB:.0f}" for why, size in sorted(outcome.ledger.drawn.items()))
    kinds = sorted(outcome.ledger.duplicates.items(), key=lambda item: -item[1])
    again = [f"    again {size / MIB:6.1f} MiB: {kind.again} after {kind.first}, {kind.state}" for kind, size in kinds]
    return [f"    MiB asked for, by reason: {drawn}", *again]


def _draws(outcome: Outcome) -> list[str]:
    return [f"    again at {at:.2f} s by host {host + 1}" for at, host in outcome.ledger.again_at]
