"""Fleets of 10 to 10,000 hosts that fetch a large release at once, one after another, or as an update."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from benchmarks.compare.limit import Rates, limit
from benchmarks.sim.single import UPDATED, layers_of, payload
from dcdist.model.geometry import Geometry
from dcdist.policy.preference import PREFERENCES
from dcdist.policy.rules import Rule
from dcdist.sim.scenario import HostSpec, Scenario, StoreSpec, SwarmSpec
from dcdist.sim.simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcdist.sim.outcome import Outcome

MOST_IN_DETAIL = 64
"""Hosts with a planner of their own; of larger fleets the hosts of one prefix have one."""

SMALL_REQUESTS = 5000.0
"""Listings and heartbeats that the store serves a second: a Swift with some proxies. 71 and 106 were measured for one
connection to one proxy."""

_EPOCHS = 2000
_LONGEST_EPOCH, _SHORTEST_EPOCH = 0.5, 0.02


class Event(StrEnum):
    """How the hosts of a fleet come."""

    FLASH = "flash"
    """All at once, with nothing."""
    STAGGERED = "staggered"
    """Evenly over the time that the fetch takes at best."""
    UPDATE = "update"
    """All at once; they hold what three quarters of the layers bring."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """One situation: hosts, their links and the store's (bits a second), bytes of layers.

    `fleet_store_rate`: the bound on what all hosts together take from the store, bits a second; None: there is none.
    `grain`: bytes of the smallest piece that is simulated; 0 is the release's own. `epoch`: seconds of a step; None: a
    two thousandth of the limit, within bounds. `without`: rules that are off.
    """

    event: Event
    hosts: int
    rate: float
    store_rate: float
    size: int
    grain: int
    prefer: str
    efficiency: float
    seed: int = 1
    fleet_store_rate: float | None = None
    stream: bool = False
    epoch: float | None = None
    without: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.event}, {self.hosts} hosts of {bits(self.rate)}, store {bits(self.store_rate)}"

    @property
    def brought(self) -> int:
        """Bytes of layers that each host brings."""
        return self.size // UPDATED if self.event is Event.UPDATE else self.size


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of a fleet. Times in seconds; `over`: the last host's time over the limit, `median` the middle one's.

    For hosts that come one after another each is measured from its own start, against what its link needs alone.
    `membership`: requests a second, mean and most in one second; `planning`: a planner's seconds of CPU for each second
    of the fetch; `samples`: (time, copies sent, share of all that is to be had); `commit`: that of the code, if known.
    """

    fleet: Fleet
    simulated: int
    limit: float
    over: float
    median: float
    copies: float
    least_copies: float
    requests: float
    membership: float
    membership_peak: int
    planning: float
    links: float
    reasons: dict[str, float]
    samples: tuple[tuple[float, float, float], ...]
    took: float
    commit: str = ""


HEAD = (
    "situation                                            simulated  limit s  over   median  copies  over c*"
    "  membership/s (peak)  planner  links   took s"
)


def prefix_bits(hosts: int) -> int:
    """The length of the prefixes of a fleet, so that one has `MOST_IN_DETAIL` members or fewer."""
    shortest = 0
    while hosts >> shortest > MOST_IN_DETAIL:
        shortest += 2
    return shortest


def run(fleet: Fleet, *, detail: bool = False, clock: Callable[[], float] = time.perf_counter) -> Figures:
    """Simulate it; with `detail` each host has a planner, however many there are."""
    up, preference = payload(fleet.rate), PREFERENCES[fleet.prefer]
    bound = limit(fleet.brought, payload(fleet.store_rate), [Rates(up, up)] * fleet.hosts)
    epoch = fleet.epoch or min(_LONGEST_EPOCH, max(_SHORTEST_EPOCH, bound.seconds / _EPOCHS))
    scenario = Scenario(
        tuple(coarse(layer, fleet.grain) for layer in layers_of(fleet.brought)),
        tuple(HostSpec(up, up, start) for start in starts(fleet, bound.seconds)),
        StoreSpec(payload(fleet.store_rate), small_rate=SMALL_REQUESTS),
        SwarmSpec(efficiency=fleet.efficiency),
        preference=preference,
        stream=fleet.stream,
        fleet_store_rate=None if fleet.fleet_store_rate is None else fleet.fleet_store_rate / 8,
        epoch=epoch,
        seed=fleet.seed,
        without=frozenset(map(Rule, fleet.without)),
        prefix_bits=0 if detail else prefix_bits(fleet.hosts),
    )
    begun = time.monotonic()
    outcome = simulate(scenario, clock=clock)
    took = time.monotonic() - begun
    alone = bound.seconds if fleet.event is not Event.STAGGERED else fleet.brought / up
    times = [(float("inf") if host.finished is None else host.finished) - host.started for host in outcome.hosts]
    return Figures(
        fleet,
        len(outcome.hosts),
        alone,
        max(times) / alone,
        statistics.median(times) / alone,
        outcome.copies,
        1.0 if fleet.event is Event.STAGGERED else bound.copies,
        outcome.store.requests / outcome.seconds,
        (outcome.store.listings + outcome.store.heartbeats) / outcome.seconds,
        outcome.store.membership_peak,
        outcome.planning / statistics.median(times),
        statistics.mean(host.links for host in outcome.hosts),
        _reasons(outcome),
        tuple((at, sent / outcome.size, here / outcome.size / fleet.hosts) for at, sent, here in outcome.samples),
        took,
    )


def _reasons(outcome: Outcome) -> dict[str, float]:
    """Copies by why they were drawn."""
    drawn = sum(outcome.ledger.drawn.values())
    return {str(why): outcome.copies * length / drawn for why, length in sorted(outcome.ledger.drawn.items())}


def starts(fleet: Fleet, seconds: float) -> Iterator[float]:
    """When each host starts."""
    for number in range(fleet.hosts):
        yield number / fleet.hosts * seconds if fleet.event is Event.STAGGERED else 0.0


def coarse(geometry: Geometry, grain: int) -> Geometry:
    """The same layer with larger pieces, for speed: a stripe is the largest."""
    piece = min(geometry.stripe_length, max(geometry.piece_length, grain))
    return Geometry(geometry.length, piece, geometry.stripe_length)


def from_json(value: list[dict[str, Any]]) -> list[Figures]:
    """Figures that were written as plain values."""
    found = []
    for each in value:
        plain = each["fleet"]
        without = tuple(plain.get("without", ()))
        situation = Fleet(**{**plain, "event": Event(plain["event"]), "without": without})
        samples = tuple((at, copies, share) for at, copies, share in each["samples"])
        found.append(Figures(**{**each, "fleet": situation, "samples": samples}))
    return found


def show(figures: Figures) -> str:
    """One line."""
    return (
        f"{figures.fleet.title:<52} {figures.simulated:>9} {figures.limit:>8.0f}"
        f" {figures.over:>6.3f} {figures.median:>7.3f}"
        f" {figures.copies:>7.2f} {figures.copies / figures.least_copies:>8.2f} {figures.membership:>11.0f}"
        f" ({figures.membership_peak:>6}) {figures.planning:>8.2%} {figures.links:>6.0f} {figures.took:>8.1f}"
    )


def bits(rate: float) -> str:
    """A rate for people."""
    for unit, factor in (("Gbit/s", 1e9), ("Mbit/s", 1e6)):
        if rate >= factor:
            return f"{rate / factor:g} {unit}"
    return f"{rate:g} bit/s"
