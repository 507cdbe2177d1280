"""Hosts find each other by tiny objects in the store, whose names say it all.

Invariant: of a host the highest sequence counts, and only while its heartbeat is fresh by the store's own clock.
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
"""Heartbeats that one listing may give; the freshest, if there are more."""

_KEPT = 10
"""A heartbeat may be deleted by the store after this many times the age at which it is stale."""


class StoreRendezvous:
    """Implements `Rendezvous` over a store."""

    def __init__(self, store: Store, *, demo: str, realm: str) -> None:
        self._store = store
        self._folder = object_names.swarm_prefix(demo, realm)
        self._host: HostId | None = None
        self._left: set[str] = set()
        self._turn = asyncio.Lock()

    async def announce(self, member: Member, *, stale_after: float) -> None:
        """Leave this host's heartbeat, or refresh it; an earlier one of this host is replaced.

        `stale_after`: the age in seconds from which others ignore it. The store may delete it after ten times that.

        Raises:
            UsageError: No other host could connect to that address and port.
            StoreError: The store did not take it.
        """
        key = self._folder + heartbeat.name(member)
        async with self._turn:
            self._host = member.host
            self._left.add(key)  # before it is put: one that fails may still be there
            await self._store.put(key, b"", expires_in=stale_after * _KEPT)
            await self._delete(self._left - {key})

    async def members(self, prefix: Prefix, *, stale_after: float) -> tuple[Member, ...]:
        """The other hosts of a prefix that gave a sign of life within so many seconds, sorted by their ids.

        Raises:
            StoreError: The store could not be listed.
        """
        latest: dict[HostId, Member] = {}
        listing = await self._store.list(self._folder + heartbeat.beginning(prefix))
        for member in self._fresh(listing, stale_after):
            known = latest.get(member.host)
            if member.host != self._host and (known is None or member.sequence > known.sequence):
                latest[member.host] = member
        return tuple(latest[host] for host in sorted(latest))

    async def withdraw(self) -> None:
        """Take this host's heartbeat away; it is no error if the store does not answer."""
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
                continue  # it grows stale by itself; the next announcement tries again
            self._left.discard(key)
