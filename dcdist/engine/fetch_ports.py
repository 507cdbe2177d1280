"""What a fetch works with: the ports that whoever begins it has opened, and closes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.policy.requests.pacing import Pace
    from dcdist.ports.layers import Cache
    from dcdist.ports.rendezvous import Rendezvous
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import Swarm


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one fetch. `rendezvous` is None for a host that is not to be found; `pace` bounds the store."""

    store: Store
    cache: Cache
    swarm: Swarm
    rendezvous: Rendezvous | None
    pace: Pace
