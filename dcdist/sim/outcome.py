"""What a simulation found, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.sim.ledger import Ledger
    from dcdist.sim.modelled_store import StoreLoad


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """One simulated host: when its process started and when it had all (None: never); payload bytes by source.

    `links`: that it had at the end; `events`: that its planner was told; `planning`: seconds
    that the planner took, of a few hosts, if there was a clock.
    """

    number: int
    started: float
    finished: float | None
    drawn: float
    given: float
    sent: float
    links: int
    planning: float | None
    events: int
    gave_up: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole simulation. `store` and `samples` are of the whole fleet, `hosts` and `ledger` of those simulated.

    `samples`: (time, bytes sent by the store, bytes that all hosts have). `fronts`: at the same times, the bytes that
    all hosts have from the first of the release on without a gap; empty where one prefix stands for others.
    """

    size: int
    hosts: tuple[HostOutcome, ...]
    store: StoreLoad
    ledger: Ledger
    seconds: float
    samples: tuple[tuple[float, float, float], ...]
    fronts: tuple[float, ...]

    @property
    def planning(self) -> float:
        """Seconds that the planner of a host took, on average."""
        timed = [host.planning for host in self.hosts if host.planning is not None]
        return sum(timed) / len(timed) if timed else 0.0

    @property
    def front(self) -> float:
        """How far the front is, as a part of all that hosts have, on average over the time until all have all."""
        here = [here for _, _, here in self.samples[: len(self.fronts)]]
        return sum(self.fronts) / sum(here) if self.fronts else 0.0

    @property
    def copies(self) -> float:
        """Copies of the release that the store sent."""
        return self.store.sent / self.size
