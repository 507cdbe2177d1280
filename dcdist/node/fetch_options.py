"""What a user may ask of a fetch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.engine.options import Order, Prefer

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_REALM = "default"


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """Where a release goes and how it comes. Rates are bytes a second, None is no bound; addresses are (IP, port).

    Attributes:
        dest: The folder for the images.
        cache: The folder for the layers, which updates and other hosts use again.
        images: Names of the images wanted; none means all.
        metadata_only: Write the metadata files and end.
        listen: Where other hosts may connect; port 0 is any free one. None: all IPv4 addresses, any free port.
        advertise: Where other hosts are told to connect. None: found out.
        peers: Hosts to connect to beside those found through the store.
        realm: Only hosts of the same realm look for each other: those that can reach each other.
        swarm: Whether to trade with other hosts.
        draw: Whether to take payload from the store; manifest and index always come from it.
        prefer: What matters more, time or the store's egress.
        order: Whether what comes first in the release comes first, as far as that costs the swarm little.
        store_rate: The most that is taken from the store.
        fleet_store_rate: The most that all hosts of the demo and realm together take from the store. To be told to all
            of them; each keeps to its share. It needs the swarm and a store that can be listed and written to: a host
            that cannot know the others takes a sixteenth.
        up_rate: The most that is given to other hosts.
        down_rate: The most that is taken from store and hosts together.
        seed_for: Seconds to go on giving after the images are complete.
        trace: A file for what the planner is told and what it decides; see `dcdist.policy.trace`.
    """

    dest: Path
    cache: Path
    images: tuple[str, ...] = ()
    metadata_only: bool = False
    listen: tuple[str, int] | None = None
    advertise: tuple[str, int] | None = None
    peers: tuple[tuple[str, int], ...] = ()
    realm: str = DEFAULT_REALM
    swarm: bool = True
    draw: bool = True
    prefer: Prefer = Prefer.TIME
    order: Order = Order.ANY
    store_rate: float | None = None
    fleet_store_rate: float | None = None
    up_rate: float | None = None
    down_rate: float | None = None
    seed_for: float = 0.0
    trace: Path | None = None


@dataclass(frozen=True, slots=True)
class SeedOptions:
    """Where a seeder keeps layers and how it gives them; see `FetchOptions`."""

    cache: Path
    listen: tuple[str, int] | None = None
    advertise: tuple[str, int] | None = None
    peers: tuple[tuple[str, int], ...] = ()
    realm: str = DEFAULT_REALM
    up_rate: float | None = None
    store_rate: float | None = None
    fleet_store_rate: float | None = None
