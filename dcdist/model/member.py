"""Another host, as its heartbeat describes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.identity import HostId
    from dcdist.model.pieces import Bits


class Role(Enum):
    """What part a host plays in its swarm."""

    DRAWER = "d"
    """Fetches, and draws from the store."""
    PEER = "p"
    """Fetches from peers alone."""
    SEEDER = "s"
    """Has everything, gives only."""


@dataclass(frozen=True, slots=True)
class Member:
    """One heartbeat: who, where, and what it still needs.

    `address` is an IPv4 or IPv6 address in text; `version` is the release's; `needs` has bit i set if the host lacked
    layer i of that release when it wrote this; `sequence` rises with each change, and the highest of a host counts.
    """

    host: HostId
    sequence: int
    role: Role
    address: str
    port: int
    version: str
    needs: Bits
