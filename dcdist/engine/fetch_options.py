"""What a fetch may be told, said once: each option is a field here, with what it means.

Invariant: options that cannot be used, or that contradict each other, do not exist.
"""

# No `from __future__ import annotations`: `check_fields` and `flat_options` read the types of the fields.
from dataclasses import dataclass, field
from enum import Enum

from dcdist.engine.option_values import (
    Duration,
    Line,
    ListenAddress,
    Name,
    PathOption,
    PeerAddress,
    Rate,
    check_fields,
)
from dcdist.errors import UsageError
from dcdist.ports.layers import LAYERS_FOLDER

DEFAULT_REALM = "default"


class Prefer(Enum):
    """What matters more when the two conflict."""

    TIME = "time"
    """Fill the link: draw from the store whatever makes this host ready sooner."""
    EGRESS = "egress"
    """Spare the store: draw what is new to the swarm, wait for peers for the rest."""


class Order(Enum):
    """In which order the layers of a fetch come."""

    ANY = "any"
    """As it suits the swarm."""
    STREAM = "stream"
    """What a sink that takes them from front to back needs next comes first."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Limits in bytes a second, at least 1; None: no limit.

    Raises:
        UsageError: One of them is not such a limit.
    """

    store: Rate | None = None
    """The most that this host takes from the store."""
    fleet_store: Rate | None = None
    """The most that all hosts of the demo and realm together take from the store.

    Give it to all of them; each keeps to its share. It needs the swarm, and a store that can be listed and written to:
    a host that cannot know the others takes a sixteenth.
    """
    up: Rate | None = None
    """The most that this host gives to other hosts."""
    down: Rate | None = None
    """The most that this host takes from the store and other hosts together."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class Reach:
    """How this host and the others find and reach each other.

    Hosts are given by IP address.

    Raises:
        UsageError: An address, a port or the realm's name is invalid.
    """

    listen: ListenAddress | None = None
    """Where other hosts may connect; port 0 is any free one. None: all IPv4 and IPv6 addresses, on one free port."""
    advertise: PeerAddress | None = None
    """Where other hosts are told to connect. None: found out with each heartbeat, from the route
    to the store, else the default route, else an interface that is up; IPv4 before IPv6 where both are as good."""
    peers: tuple[PeerAddress, ...] = ()
    """Hosts to connect to besides those found through the store."""
    realm: Name = DEFAULT_REALM
    """Hosts look for others of their own realm only: those that they can reach."""

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """Where a release goes and how it comes.

    Raises:
        UsageError: An option is of the wrong type or cannot be used, or some of them contradict each other.
    """

    dest: PathOption | None
    """The folder for the images; metadata files go to its folder `metadata`. None: hold the layers, write no image."""
    cache: PathOption
    """The folder for the layers, which updates and other hosts use again."""
    images: tuple[str, ...] = ()
    """Names of the images wanted; none: all."""
    line: Line | None = None
    """The line of releases to follow, whatever this host followed before; "none": the releases without one. None: as
    before, or the only one. It matters only where the release is found by name."""
    metadata_only: bool = False
    """Write the metadata files and end."""
    check: bool = False
    """Read images that are in place, instead of trusting that they have not changed; what differs comes anew."""
    swarm: bool = True
    """Whether to trade with other hosts."""
    draw: bool = True
    """Whether to take payload from the store; manifest and index always come from it."""
    prefer: Prefer = Prefer.TIME
    """What matters more: the time of this host or the store's egress."""
    order: Order = Order.ANY
    """Whether what stands first in the release comes first, as far as that costs the swarm little."""
    rates: Rates = field(default=Rates(), metadata={"flat": "{}_rate"})
    """How fast bytes may move."""
    reach: Reach = Reach()
    """How to meet other hosts."""
    seed_for: Duration = 0.0
    """Seconds to go on giving to other hosts after all layers are here; infinite: until stopped."""
    trace: PathOption | None = None
    """A file for what the planner learns and decides; see `dcdist.policy.trace`."""

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.swarm and not self.draw and not self.metadata_only:
            raise UsageError(
                "--no-swarm (swarm=False) and --no-store (draw=False) together leave nothing to fetch from: omit one"
            )
        if not self.swarm and self.rates.fleet_store is not None:
            raise UsageError(
                "--fleet-store-rate (fleet_store_rate) cannot be used with --no-swarm (swarm=False): hosts count each "
                "other in the swarm; use --store-rate (store_rate), or omit --no-swarm"
            )
        if not self.swarm and self.reach.peers:
            raise UsageError("--peer (peers) needs the swarm: omit --no-swarm (swarm=False)")
        if self.metadata_only and self.images:
            raise UsageError(
                "--image (images) and --metadata-only (metadata_only) contradict each other: omit one of them"
            )
        if self.dest is None and (self.images or self.metadata_only or self.check):
            raise UsageError(
                "--image (images), --metadata-only (metadata_only) and --check (check) need --dest (dest), the folder "
                "to write to"
            )
        if self.dest is not None and self.dest.absolute().is_relative_to(self.cache.absolute() / LAYERS_FOLDER):
            raise UsageError(
                f"--dest (dest) is {self.dest}, where the cache keeps its layers: choose a folder outside of "
                f"{self.cache / LAYERS_FOLDER}"
            )


def require_fetch_options(options: object) -> None:
    """Refuse what is given as the options of a fetch and is something else.

    Raises:
        UsageError: `options` are not `FetchOptions`.
    """
    if not isinstance(options, FetchOptions):
        raise UsageError(f"options={options!r} is invalid: it must be FetchOptions(dest=..., cache=...)")
