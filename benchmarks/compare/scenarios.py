"""The scenarios by name: which link each host has, when each starts, and whose time counts. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.compare.limit import Limit, Rates, limit
from tools.lab.network import Link

if TYPE_CHECKING:
    from collections.abc import Callable

STORE = "store"
SUMMARIES = {
    "cold": "all hosts start together and hold nothing",
    "ample": "the same, with a store of four times a host's rate",
    "scarce": "the same, with a store of half a host's rate",
    "slow-up": "the same, with hosts that send at a quarter of the rate at which they receive",
    "staggered": "a host every quarter of the time that one alone would need",
    "late-joiner": "one host starts when half of the limit has passed",
    "one-slow-host": "one host has a quarter of the rate, both ways; the others' time counts",
    "update": "all hosts hold version 1 and fetch version 2, a quarter of whose members are new",
}
EVERYBODY = ("cold", "ample", "update")
"""Scenarios in which contenders that send every byte to every host from one place take part too."""
OWN_TIME = ("staggered", "late-joiner")
"""Scenarios in which each host is judged by its own time over its own F/d."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation, ready to run.

    `starts`: seconds after the start signal at which each host begins; `judged`: the hosts whose time counts;
    `together`: they are judged by the last one's time over the limit, else each by its own time over its own F/d.
    """

    name: str
    store: Link
    hosts: dict[str, Link]
    starts: dict[str, float]
    judged: tuple[str, ...]
    together: bool = True

    @property
    def links(self) -> dict[str, Link]:
        """All links, the store's first."""
        return {STORE: self.store, **self.hosts}

    @property
    def update(self) -> bool:
        """Whether all hosts hold the version before."""
        return self.name == "update"

    def limit(self, size: int, payload: Callable[[float], float]) -> Limit:
        """The limit for the judged hosts; `payload` gives the payload bytes a second of a link of so many bits."""
        rates = [Rates(payload(self.hosts[host].up), payload(self.hosts[host].down)) for host in self.judged]
        return limit(size, payload(self.store.up), rates)

    def own_limits(self, size: int, payload: Callable[[float], float]) -> dict[str, float]:
        """Seconds that each host would need alone on its own link."""
        return {host: size / payload(link.down) for host, link in self.hosts.items()}


def chosen(text: str) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """`NAME,NAME:CONTENDER+CONTENDER`: the scenarios, and the contenders of those that name some."""
    split = [each.partition(":") for each in text.split(",")]
    return tuple(name for name, _, _ in split), {name: tuple(some.split("+")) for name, _, some in split if some}


def build(name: str, hosts: int, rate: float, store_rate: float, seconds: float) -> Scenario:
    """A scenario for hosts with links of `rate`, bits a second; `seconds`: what one alone needs on its link (F/d).

    Raises:
        ValueError: There is none of that name.
    """
    if name not in SUMMARIES:
        raise ValueError(f"no scenario is called {name!r}; there are {', '.join(SUMMARIES)}")
    names = [f"h{number}" for number in range(1, hosts + 1)]
    link = Link(rate, rate)
    links: dict[str, Link] = dict.fromkeys(names, link)
    starts = dict.fromkeys(names, 0.0)
    judged = tuple(names)
    match name:
        case "ample":
            store_rate = 4 * rate
        case "scarce":
            store_rate = rate / 2
        case "slow-up":
            links = dict.fromkeys(names, Link(rate / 4, rate))
        case "one-slow-host":
            links[names[0]] = Link(rate / 4, rate / 4)
            judged = tuple(names[1:])
        case "staggered":
            starts = {each: number * seconds / 4 for number, each in enumerate(names)}
        case "late-joiner":
            starts[names[-1]] = _half_of_limit(seconds, hosts, rate, store_rate)
        case _:
            pass
    return Scenario(name, Link(store_rate, store_rate), links, starts, judged, name not in OWN_TIME)


def _half_of_limit(seconds: float, hosts: int, rate: float, store_rate: float) -> float:
    """Half of the limit for hosts that start together, in seconds."""
    size = seconds * rate
    longest = max(size / store_rate, seconds, hosts * size / (store_rate + hosts * rate))
    return longest / 2
