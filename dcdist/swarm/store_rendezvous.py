"""Hosts find each other by heartbeats in the store: empty objects whose names say everything.

Invariant: only the heartbeat with a host's highest sequence counts, and only while it is fresh by the store's clock.
"""

from __future__ import annotations

import asyncio
from heapq import nlargest
from typing import TYPE_CHECKING

from dcdist.errors import StoreError
from dcdist.formats import heartbeat, object_names

if TYPE_CHECKING:
    from dcdist.model.identity import HostId, Prefix
    from dcdist.model.member import Member
    from dcdist.ports.store import Listing, Store

_CONSIDERED = 4_096
"""The most heartbeats that are read of one listing: the freshest."""

_KEPT = 10
"""The store may delete a heartbeat at this many times the age at which it is stale."""


class StoreRendezvous:
    """Implements `Rendezvous` over a store."""

    def __init__(self, store: Store, *, demo: str, realm: str) -> None:
        self._store = store
        self._folder = object_names.swarm_prefix(demo, realm)
        self._host: HostId | None = None
        self._left: set[str] = set()
        self._turn = asyncio.Lock()

    async def announce(self, member: Member, *, stale_after: float) -> None:
        """Write or refresh this host's heartbeat; it replaces an earlier one.

        `stale_after` is the age in seconds at which others ignore it. The store may delete it at ten times that age.

        Raises:
            UsageError: No other host could connect to the member's address and port.
            StoreError: The store could not write it.
        """
        key = self._folder + heartbeat.name(member)
        async with self._turn:
            self._host = member.host
            self._left.add(key)  # before the put: if that fails, the object may still be there
            await self._store.put(key, b"", expires_in=stale_after * _KEPT)
            await self._delete(self._left - {key})

    async def members(self, prefix: Prefix, *, stale_after: float) -> tuple[Member, ...]:
        """The other hosts of a prefix whose heartbeats are at most `stale_after` seconds old, sorted by id.

        Raises:
            StoreError: The store could not be listed.
        """
        latest: dict[HostId, Member] = {}
        listing = await self._store.list(self._folder + heartbeat.beginning(prefix), look=True)
        for member in self._fresh(listing, stale_after):
            known = latest.get(member.host)
            if member.host != self._host and (known is None or member.sequence > known.sequence):
                latest[member.host] = member
        return tuple(latest[host] for host in sorted(latest))

    async def withdraw(self) -> None:
        """Delete this host's heartbeat. A store that does not answer is not an error."""
        async with self._turn:
            await self._delete(set(self._left))

    def _fresh(self, listing: Listing, stale_after: float) -> list[Member]:
        oldest = listing.now - stale_after
        fresh = (entry for entry in listing.entries if entry.modified >= oldest)
        considered = nlargest(_CONSIDERED, fresh, key=lambda entry: entry.modified)
        parsed = (heartbeat.parse(entry.key.removeprefix(self._folder)) for entry in considered)
        return [member for member in parsed if member is not None]

    async def _delete(self, heartbeats: set[str]) -> None:
        for key in sorted(heartbeats):
            try:
                await self._store.delete(key)
            except StoreError:
                continue  # it will grow stale; the next announcement tries again
            self._left.discard(key)
