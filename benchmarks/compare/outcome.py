"""What was measured, as values: one race (a scenario, a contender, a round), and a whole comparison; to JSON and back.

Times are seconds after the start signal; bytes are counted at the interfaces of the hosts and of the store.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HostOutcome:
    """One host: when it began, when its file was complete, checked and synced; what its interface took and sent."""

    host: str
    started: float
    finished: float
    received: int
    sent: int

    @property
    def seconds(self) -> float:
        """From its own start."""
        return self.finished - self.started


@dataclass(frozen=True, slots=True)
class Sample:
    """Counters at one moment: seconds after the start signal, bytes sent by the store, bytes received by each host."""

    at: float
    store_sent: int
    received: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Race:
    """One contender in one scenario, once.

    `copy`: bytes at the store's interface that one plain download costs; `limit_seconds`, `limit_copies`: of the
    scenario; `own_limits`: seconds that each host alone would need on its own link (F/d), by host; `judged`: the hosts
    whose time counts; `together`: by the last one's time over the limit, else each over its own; `cpu`: the machine's
    busy share meanwhile, 0 to 1; `failure`: why it did not end well, for people, or None; `called_off`: times the limit
    after which it was stopped as planned, or None. A race that failed or was called off has no figures of its end.
    """

    scenario: str
    contender: str
    round: int
    size: int
    copy: int
    limit_seconds: float
    limit_copies: float
    own_limits: dict[str, float]
    judged: tuple[str, ...]
    together: bool
    hosts: tuple[HostOutcome, ...]
    store_sent: int
    samples: tuple[Sample, ...]
    cpu: float
    failure: str | None = None
    called_off: float | None = None

    @property
    def ended_well(self) -> bool:
        """Whether all hosts got the right bytes."""
        return self.failure is None and self.called_off is None

    @property
    def last(self) -> float:
        """Seconds until the last of the judged hosts was done."""
        return max(host.finished for host in self.hosts if host.host in self.judged)

    @property
    def over_limit(self) -> float:
        """The last host's time over the limit; or, if they are judged alone, the worst time over a host's own."""
        if self.together:
            return self.last / self.limit_seconds
        return max(host.seconds / self.own_limits[host.host] for host in self.hosts if host.host in self.judged)

    @property
    def copies(self) -> float:
        """Copies that the store sent."""
        return self.store_sent / self.copy

    @property
    def from_peers(self) -> int:
        """Bytes that hosts received and the store did not send."""
        return max(0, sum(host.received for host in self.hosts) - self.store_sent)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole run: `about` has machine, commit, command line; `versions` and `titles` are by contender.

    `rates`: payload bytes a second that one plain TCP flow reached on a link of that many bits a second.
    """

    about: dict[str, str]
    versions: dict[str, str]
    titles: dict[str, str]
    rates: dict[str, float]
    races: tuple[Race, ...]


def to_json(comparison: Comparison) -> dict[str, Any]:
    """As plain dicts and lists."""
    return asdict(comparison)


def from_json(plain: dict[str, Any]) -> Comparison:
    """Back from `to_json`.

    Raises:
        KeyError, TypeError: It is none.
    """
    races = tuple(
        Race(
            **{
                **race,
                "judged": tuple(race["judged"]),
                "hosts": tuple(HostOutcome(**host) for host in race["hosts"]),
                "samples": tuple(
                    Sample(sample["at"], sample["store_sent"], tuple(sample["received"])) for sample in race["samples"]
                ),
            }
        )
        for race in plain["races"]
    )
    return Comparison(plain["about"], plain["versions"], plain["titles"], plain["rates"], races)
