"""What one fetch is to do, and what it works with: the ports that whoever begins it has opened, and closes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.engine.fetch_plan import FetchPlan
    from dcdist.engine.reuse import KnownFrames
    from dcdist.model.identity import Address, HostId
    from dcdist.model.release import Release
    from dcdist.policy.requests.pacing import Pace
    from dcdist.ports.layers import Cache
    from dcdist.ports.rendezvous import Rendezvous
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import Swarm


@dataclass(frozen=True, slots=True)
class Job:
    """One host's task: to bring the layers of `plan`, a part of `release`.

    `known`: frames that need not be moved. `advertise` gives the address that others connect to now, or None if there
    is none; it must not block. `pace` limits what `Ports.store` gives; the fetch sets its rate.
    """

    host: HostId
    release: Release
    plan: FetchPlan
    known: KnownFrames
    options: FetchOptions
    advertise: Callable[[], Address | None]
    pace: Pace


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one fetch. `rendezvous` is None for a host that is not to be found."""

    store: Store
    cache: Cache
    swarm: Swarm
    rendezvous: Rendezvous | None
