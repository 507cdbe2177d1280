"""What is simulated, as values: the layers, the hosts and their links, the store, and how the swarm behaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.policy.fleet.acquaintance import ACQUAINTED_AFTER
from dcdist.policy.planner_events import POLL
from dcdist.policy.preference import EGRESS

if TYPE_CHECKING:
    from dcdist.model.geometry import Geometry
    from dcdist.model.pieces import Bits
    from dcdist.policy.preference import Preference
    from dcdist.policy.rules import Rule


@dataclass(frozen=True, slots=True)
class HostSpec:
    """One host: payload bytes a second of its link each way, when its process starts and when the host is gone.

    `held`: bit i is set if it has layer i already. `may_draw`: it has access to the store. `store_pull`, `peer_pull`:
    what one of its flows takes of a full link of the store or of a peer, beside one of another host. `start_up`:
    seconds until it registers; None: as long as all the others.
    """

    up: float
    down: float
    starts: float = 0.0
    ends: float = float("inf")
    held: Bits = 0
    may_draw: bool = True
    store_pull: float = 1.0
    peer_pull: float = 1.0
    start_up: float | None = None


@dataclass(frozen=True, slots=True)
class StoreSpec:
    """The store: payload bytes a second of its link, seconds until a request's first byte and until a listing's answer.

    `small_rate`: listings and heartbeats that it serves a second, more of them wait; None: any number. `most_requests`:
    range requests at once, beyond which it asks to come again `retry_after` seconds later; None: any number.
    """

    rate: float
    latency: float = 0.03
    small_latency: float = 0.03
    small_rate: float | None = None
    most_requests: int | None = None
    retry_after: float = 1.0


@dataclass(frozen=True, slots=True)
class SwarmSpec:
    """How peers trade.

    `efficiency`: payload over what the trade takes of a link, compared with a plain download; `unevenness`: how
    unequally flows share a link (the standard deviation of the logarithm of their shares); `link_seconds`: from knowing
    a host to trading with it; `look`: between two looks at what peers hold, `poll`: at which the planner is told;
    `queue_bytes`: the most that is asked of a peer ahead.
    """

    efficiency: float = 0.97
    unevenness: float = 0.3
    link_seconds: float = 0.3
    look: float = 0.25
    poll: float = POLL
    queue_bytes: int = 4 << 20


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole situation. `layers` are those of the release, in its order.

    `preference`: of all hosts. `stream` is `order=stream`. `fleet_store_rate`: what all hosts together may take from
    the store, bytes a second; each keeps to its share. `start_up`: seconds for which a process does not move bytes:
    until it registers, and at the end; `acquaintance`: seconds after which the planner assumes that it knows the
    others; `epoch`: seconds of a step, during which rates are even; `seed` decides all chance.
    `prefix_bits`: 0: every host is simulated. Else one prefix of that length is, and the other 2**bits - 1 are cohorts
    that behave as it does; its hosts are every 2**bits-th by their start. `without`: rules that are off for all.
    """

    layers: tuple[Geometry, ...]
    hosts: tuple[HostSpec, ...]
    store: StoreSpec
    swarm: SwarmSpec = field(default_factory=SwarmSpec)
    preference: Preference = EGRESS
    stream: bool = False
    fleet_store_rate: float | None = None
    start_up: float = 1.0
    acquaintance: float = ACQUAINTED_AFTER
    epoch: float = 0.02
    longest: float = 86_400.0
    seed: int = 1
    prefix_bits: int = 0
    without: frozenset[Rule] = frozenset()

    @property
    def size(self) -> int:
        """Bytes of all layers."""
        return sum(geometry.length for geometry in self.layers)
