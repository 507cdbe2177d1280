"""One situation of the comparison in the detailed simulation: the same links and starts, and the same limit."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.compare import scenarios
from dcdist.model.geometry import LAYER_LIMIT, MIB, Geometry
from dcdist.sim import simulation
from dcdist.sim.scenario import HostSpec, Scenario, StoreSpec, SwarmSpec

if TYPE_CHECKING:
    import argparse

    from dcdist.sim.outcome import HostOutcome, Outcome

PAYLOAD = 0.957
"""Payload over nominal rate of one plain TCP flow over a shaped link of the comparison."""

UPDATED = 4
"""An update brings one part in so many; the rest is in layers that all hosts hold."""

HEAD = "scenario       seed   over limit  last s  copies  c*    requests  membership/s  planner ms/host  took s"


def payload(bits: float) -> float:
    """Payload bytes a second of a link of so many bits a second."""
    return bits / 8 * PAYLOAD


def layers_of(size: int) -> tuple[Geometry, ...]:
    """The layers of a release of `size` bytes: full ones, and the rest."""
    full, rest = divmod(size, LAYER_LIMIT)
    lengths = [LAYER_LIMIT] * full + ([rest] if rest else [])
    return tuple(Geometry.for_length(length) for length in lengths)


def scenario_for(course: scenarios.Scenario, size: int, options: argparse.Namespace, seed: int) -> Scenario:
    """What the simulator is told of a scenario of the comparison."""
    hosts = tuple(
        HostSpec(payload(link.up), payload(link.down), course.starts[name]) for name, link in course.hosts.items()
    )
    return Scenario(
        layers_of(size),
        hosts,
        StoreSpec(payload(course.store.up)),
        SwarmSpec(efficiency=options.efficiency),
        eager=options.prefer == "time",
        seed=seed,
    )


def simulate(name: str, options: argparse.Namespace, seed: int) -> str:
    """One line of figures, and lines about second copies."""
    size: int = options.size // UPDATED if name == "update" else options.size
    rate: float = options.rate
    course = scenarios.build(name, options.hosts, rate, options.store_rate or rate, size / payload(rate))
    begun = time.monotonic()
    outcome = simulation.simulate(scenario_for(course, size, options, seed), clock=time.process_time)
    took = time.monotonic() - begun
    bound = course.limit(size, payload)
    over, last = judge(course, outcome, size)
    cpu = max(host.cpu for host in outcome.hosts) * 1000
    line = (
        f"{name:<14} {seed:>4}   {over:>10.3f} {last:>7.1f} {outcome.copies:>7.3f} {bound.copies:>5.2f}"
        f" {outcome.store.requests:>8} {outcome.store.membership_peak:>13} {cpu:>16.0f} {took:>7.1f}"
    )
    return "\n".join([line, *_second_copies(outcome), *(_draws(outcome) if options.draws else [])])


def judge(course: scenarios.Scenario, outcome: Outcome, size: int) -> tuple[float, float]:
    """How far over the limit, as the comparison reckons it, and when the last judged host had all."""
    by_name = dict(zip(course.hosts, outcome.hosts, strict=True))
    judged = {name: by_name[name] for name in course.judged}
    last = max(_finished(host) for host in judged.values())
    if course.together:
        return last / course.limit(size, payload).seconds, last
    own = course.own_limits(size, payload)
    return max((_finished(host) - host.started) / own[name] for name, host in judged.items()), last


def _finished(host: HostOutcome) -> float:
    return float("inf") if host.finished is None else host.finished


def _second_copies(outcome: Outcome) -> list[str]:
    drawn = ", ".join(f"{why} {size / MIB:.0f}" for why, size in sorted(outcome.ledger.drawn.items()))
    lines = [f"    MiB asked for, by reason: {drawn}"]
    kinds = sorted(outcome.ledger.duplicates.items(), key=lambda item: -item[1])
    lines += [f"    again {size / MIB:6.1f} MiB: {k.again} after {k.first}, {k.state}" for k, size in kinds]
    return lines


def _draws(outcome: Outcome) -> list[str]:
    return [f"    again at {at:.2f} s by host {host + 1}" for at, host in outcome.ledger.again_at]
