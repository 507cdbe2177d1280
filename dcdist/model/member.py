"""Another host, as its heartbeat describes it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.identity import HostId
    from dcdist.model.pieces import Bits


class Role(Enum):
    """The part that a host plays in its swarm."""

    DRAWER = "d"
    """Fetches, and draws from the store."""
    PEER = "p"
    """Fetches, but only from peers."""
    SEEDER = "s"
    """Has everything and only gives."""


@dataclass(frozen=True, slots=True)
class Member:
    """One heartbeat: the host, its address and what it still needs.

    `address` is an IPv4 or IPv6 address as text; `version` is that of the release. Bit i of `needs` is set if the host
    lacked layer i of that release when it wrote this. `sequence` rises with each change; the highest of a host counts.
    """

    host: HostId
    sequence: int
    role: Role
    address: str
    port: int
    version: str
    needs: Bits
