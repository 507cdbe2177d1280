"""Many memberships over one store in memory: what a whole fleet asks of a store, and who links to whom."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.engine.membership import Listeners, Membership
from dcdist.model.identity import HostId, Prefix
from dcdist.model.member import Member, Role
from dcdist.policy.planner_events import MembersChanged, PrefixChanged
from dcdist.policy.preference import TIME
from dcdist.ports.store import Entry, Listing
from dcdist.swarm.store_rendezvous import StoreRendezvous
from tests.support.memory_store import MemoryStore

if TYPE_CHECKING:
    from random import Random

_ANSWER = 0.01
"""Seconds until the store answers."""


def now() -> float:
    """The loop's clock: in virtual time it is the store's as well."""
    return asyncio.get_running_loop().time()


class HeartbeatStore(MemoryStore):
    """Heartbeats with their age; notes the time of each put, and the time and length of each listing."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[float] = []
        self.listings: list[tuple[float, int]] = []
        self._modified: dict[str, float] = {}
        self._sorted: list[str] = []

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Keep its name and the time."""
        del body, if_absent, expires_in
        await asyncio.sleep(_ANSWER)
        if key not in self._modified:
            insort(self._sorted, key)
        self._modified[key] = now()
        self.puts.append(now())

    async def delete(self, key: str) -> None:
        """Forget it."""
        if self._modified.pop(key, None) is not None:
            del self._sorted[bisect_left(self._sorted, key)]

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """Those whose names begin so."""
        await asyncio.sleep(_ANSWER)
        found = self._sorted[bisect_left(self._sorted, prefix) : bisect_left(self._sorted, prefix + "~")]
        self.listings.append((now(), len(found)))
        return Listing(tuple(Entry(key, 0, self._modified[key]) for key in found), now())


@dataclass
class FleetHost:
    """One host, and what its membership told it: all in order, and what holds by now."""

    me: Member
    store: HeartbeatStore
    start: float = 0.0
    told: list[tuple[str, object]] = field(default_factory=list)
    bits: int = 0
    members: dict[HostId, Member] = field(default_factory=dict)
    links: set[tuple[str, int]] = field(default_factory=set)
    most_links: int = 0
    prefixes: list[int] = field(default_factory=list)

    @property
    def prefix(self) -> Prefix:
        """The prefix that it shares with its members."""
        return Prefix.of(self.me.host, self.bits)

    async def live(self) -> None:
        """Take part until cancelled, without a farewell then."""
        await asyncio.sleep(self.start)
        membership = Membership(
            StoreRendezvous(self.store, demo="web", realm="east"),
            self.me,
            Listeners(
                news=self._news,
                linked=self._linked,
                unlinked=lambda address, port: self.links.remove((address, port)),
                troubled=lambda message: self.told.append(("troubled", message)),
            ),
            patience=TIME.first_look,
        )
        await membership.begin()
        await membership.run()

    def _news(self, event: MembersChanged | PrefixChanged) -> None:
        if isinstance(event, PrefixChanged):
            assert event.bits != self.bits
            self.bits = event.bits
            self.prefixes.append(event.bits)
            return
        for host in event.left:
            del self.members[host]
        self.members.update({member.host: member for member in event.joined})
        assert all(self.prefix.holds(host) for host in self.members), "the prefix is told first"

    def _linked(self, address: str, port: int) -> None:
        assert (address, port) not in self.links
        self.links.add((address, port))
        self.most_links = max(self.most_links, len(self.links))


class Fleet:
    """Hosts with random ids."""

    def __init__(self, rng: Random) -> None:
        self.store = HeartbeatStore()
        self.hosts: list[FleetHost] = []
        self._rng = rng
        self._running: dict[int, asyncio.Task[None]] = {}

    def begin(self, count: int, *, within: float) -> None:
        """Have hosts join, at any time within so many seconds."""
        for number in range(len(self.hosts), len(self.hosts) + count):
            address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            me = Member(HostId(f"{self._rng.getrandbits(128):032x}"), 0, Role.DRAWER, address, 6881, "1", 1)
            host = FleetHost(me, self.store, self._rng.uniform(0, within))
            self.hosts.append(host)
            self._running[number] = asyncio.create_task(host.live())

    async def end(self, hosts: list[FleetHost]) -> None:
        """Have hosts vanish, as when their power fails."""
        for number in [number for number, host in enumerate(self.hosts) if host in hosts]:
            task = self._running.pop(number)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        """End them all."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for failure in ended:
            if isinstance(failure, Exception):
                raise failure

    def reached(self, hosts: list[FleetHost]) -> int:
        """How many of these hosts the first of them reaches over links, whichever side wanted them."""
        by_address = {host.me.address: number for number, host in enumerate(hosts)}
        beside: list[set[int]] = [set() for _ in hosts]
        for number, host in enumerate(hosts):
            for address, _ in host.links:
                if address in by_address:
                    beside[number].add(by_address[address])
                    beside[by_address[address]].add(number)
        seen, found = {0}, [0]
        while found:
            fresh = beside[found.pop()] - seen
            seen |= fresh
            found += fresh
        return len(seen)
