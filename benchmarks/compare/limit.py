"""The limit: how fast could it be done at best, and how often must the store send each byte then? Pure.

After Kumar and Ross, "Peer-Assisted File Distribution: The Minimum Distribution Time" (2006), for hosts that start
together, each with its own link.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Rates:
    """Payload bytes a second that a link carries, each way."""

    up: float
    down: float


@dataclass(frozen=True, slots=True)
class Limit:
    """Seconds until the last host can have it at best, and the copies that the store must send for that."""

    seconds: float
    copies: float


def limit(size: int, store_up: float, hosts: Sequence[Rates]) -> Limit:
    """The limit for `size` bytes from a store that sends `store_up` bytes a second.

    Raises:
        ValueError: There is no host.
    """
    slowest = min(host.down for host in hosts)
    upload = sum(host.up for host in hosts)
    seconds = max(size / store_up, size / slowest, len(hosts) * size / (store_up + upload))
    return Limit(seconds, max(1.0, len(hosts) - upload * seconds / size))
