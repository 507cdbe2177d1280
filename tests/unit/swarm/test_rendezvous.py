"""Hosts find each other in a store: who is told, who is not, and what is left behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import StoreUnavailableError, UsageError
from dcdist.formats import heartbeat
from dcdist.model.identity import HostId, Prefix
from dcdist.model.member import Member, Role
from dcdist.ports.store import Capabilities, Entry, Listing
from dcdist.swarm.store_rendezvous import StoreRendezvous

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

PREFIX = "swarm/web/east/"
EVERYBODY = Prefix()
STALE_AFTER = 45.0


def member(number: int, *, sequence: int = 1, version: str = "7") -> Member:
    return Member(HostId(f"{number:032x}"), sequence, Role.DRAWER, f"10.0.0.{number}", 6881, version, 0b11)


class ClockedStore:
    """A store in memory with a clock of its own, that can be out of order."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.modified: dict[str, float] = {}
        self.expiry: dict[str, float | None] = {}
        self.fails: set[str] = set()
        self.listed: list[str] = []
        self.looks: list[bool] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(writable=True, listable=True)

    @property
    def host(self) -> str:
        return ""

    def __str__(self) -> str:
        return "memory:"

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        await self._answer("put")
        assert (bytes(body), if_absent) == (b"", False)
        self.modified[key] = self.now
        self.expiry[key] = expires_in

    async def delete(self, key: str) -> None:
        await self._answer("delete")
        self.modified.pop(key, None)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        await self._answer("list")
        self.listed.append(prefix)
        self.looks.append(look)
        found = {key: modified for key, modified in self.modified.items() if key.startswith(prefix)}
        return Listing(tuple(Entry(key, 0, found[key]) for key in sorted(found)), self.now)

    async def exists(self) -> bool:
        raise NotImplementedError

    async def get(self, key: str, *, limit: int) -> bytes:
        raise NotImplementedError

    def read(self, key: str, *, start: int, length: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        raise NotImplementedError

    async def close(self) -> None:
        """There is nothing to close."""

    async def _answer(self, method: str) -> None:
        await asyncio.sleep(0)
        if method in self.fails:
            raise StoreUnavailableError(f"{method} failed", store=str(self))


def rendezvous(store: ClockedStore) -> StoreRendezvous:
    return StoreRendezvous(store, demo="web", realm="east")


def key(of: Member) -> str:
    return PREFIX + heartbeat.name(of)


async def test_a_heartbeat_is_one_object_whose_name_says_it_all() -> None:
    store = ClockedStore()
    await rendezvous(store).announce(member(1), stale_after=STALE_AFTER)
    assert list(store.modified) == [PREFIX + f"{1:064},1,d,0a000001,6881,7,3"]
    assert store.expiry[key(member(1))] == 450.0


async def test_others_are_told_sorted_and_oneself_is_not() -> None:
    store = ClockedStore()
    for number in (3, 1, 2):
        await rendezvous(store).announce(member(number), stale_after=STALE_AFTER)
    own = rendezvous(store)
    await own.announce(member(2), stale_after=STALE_AFTER)
    assert await own.members(EVERYBODY, stale_after=STALE_AFTER) == (member(1), member(3))


async def test_a_changed_heartbeat_replaces_the_earlier_one() -> None:
    store = ClockedStore()
    own = rendezvous(store)
    await own.announce(member(1), stale_after=STALE_AFTER)
    await own.announce(member(1, sequence=2), stale_after=STALE_AFTER)
    assert list(store.modified) == [key(member(1, sequence=2))]


async def test_the_same_heartbeat_is_refreshed() -> None:
    store = ClockedStore()
    own = rendezvous(store)
    await own.announce(member(1), stale_after=STALE_AFTER)
    store.now += 40
    await own.announce(member(1), stale_after=STALE_AFTER)
    store.now += 40
    assert await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER) == (member(1),)


async def test_a_heartbeat_is_stale_by_the_clock_of_the_store() -> None:
    store = ClockedStore()
    await rendezvous(store).announce(member(1), stale_after=STALE_AFTER)
    store.now += 45
    assert await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER) == (member(1),)
    store.now += 0.1
    assert await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER) == ()


async def test_of_a_host_the_highest_sequence_counts() -> None:
    store = ClockedStore()
    for sequence in (10, 9, 2):
        await rendezvous(store).announce(member(1, sequence=sequence), stale_after=STALE_AFTER)
    assert await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER) == (member(1, sequence=10),)


async def test_a_prefix_is_listed_without_the_rest() -> None:
    store = ClockedStore()
    hosts = [HostId(f"{number << 124:032x}") for number in (0b0001, 0b0111, 0b0100, 0b1101)]
    for number, host in enumerate(hosts, start=1):
        await rendezvous(store).announce(replace(member(number), host=host), stale_after=STALE_AFTER)
    found = await rendezvous(store).members(Prefix(2, 0b01), stale_after=STALE_AFTER)
    assert [each.host for each in found] == [hosts[2], hosts[1]]
    assert store.listed == [PREFIX + "1"]
    assert len(await rendezvous(store).members(Prefix(4, 0b1101), stale_after=STALE_AFTER)) == 1
    assert await rendezvous(store).members(Prefix(4, 0b1111), stale_after=STALE_AFTER) == ()


async def test_members_are_listed_by_a_look() -> None:
    store = ClockedStore()
    await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER)

    assert store.looks == [True]


async def test_how_long_a_heartbeat_counts_and_is_kept_follows_the_rhythm_of_the_fleet() -> None:
    store = ClockedStore()
    await rendezvous(store).announce(member(1), stale_after=750.0)
    assert store.expiry[key(member(1))] == 7500.0
    store.now += 700
    assert await rendezvous(store).members(EVERYBODY, stale_after=750.0) == (member(1),)
    assert await rendezvous(store).members(EVERYBODY, stale_after=699.0) == ()


async def test_names_that_say_nothing_are_ignored() -> None:
    store = ClockedStore()
    await rendezvous(store).announce(member(1), stale_after=STALE_AFTER)
    for name in ("", "x", "../../etc/passwd", "a/b", key(member(2))[len(PREFIX) :] + ",more", f"{2:064},1,d,,0,,"):
        store.modified[PREFIX + name] = store.now
    assert await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER) == (member(1),)


async def test_other_demos_and_realms_are_not_seen() -> None:
    store = ClockedStore()
    await StoreRendezvous(store, demo="web", realm="west").announce(member(1), stale_after=STALE_AFTER)
    await StoreRendezvous(store, demo="web2", realm="east").announce(member(2), stale_after=STALE_AFTER)
    assert await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER) == ()


async def test_of_too_many_heartbeats_the_freshest_count() -> None:
    store = ClockedStore()
    for number in range(4_097):
        host = HostId(f"{number:032x}")
        store.modified[key(replace(member(1), host=host))] = store.now - (30 if number == 5 else 1)
    hosts = {found.host for found in await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER)}
    assert len(hosts) == 4_096
    assert HostId(f"{5:032x}") not in hosts


async def test_what_is_withdrawn_is_gone_and_may_be_announced_again() -> None:
    store = ClockedStore()
    own = rendezvous(store)
    await own.withdraw()
    await own.announce(member(1), stale_after=STALE_AFTER)
    await own.withdraw()
    assert store.modified == {}
    await own.announce(member(1), stale_after=STALE_AFTER)
    assert list(store.modified) == [key(member(1))]


async def test_a_withdrawal_does_not_fail() -> None:
    store = ClockedStore()
    own = rendezvous(store)
    await own.announce(member(1), stale_after=STALE_AFTER)
    store.fails = {"delete"}
    await own.withdraw()
    store.fails = set()
    await own.withdraw()
    assert store.modified == {}


async def test_what_could_not_be_deleted_is_deleted_later() -> None:
    store = ClockedStore()
    own = rendezvous(store)
    await own.announce(member(1), stale_after=STALE_AFTER)
    store.fails = {"delete"}
    await own.announce(member(1, sequence=2), stale_after=STALE_AFTER)
    store.fails = set()
    await own.announce(member(1, sequence=3), stale_after=STALE_AFTER)
    assert list(store.modified) == [key(member(1, sequence=3))]


async def test_announcements_made_together_leave_one() -> None:
    store = ClockedStore()
    own = rendezvous(store)
    await asyncio.gather(
        *(own.announce(member(1, sequence=sequence), stale_after=STALE_AFTER) for sequence in (1, 2, 3))
    )
    assert list(store.modified) == [key(member(1, sequence=3))]


async def test_a_store_that_does_not_answer_is_told_of() -> None:
    store = ClockedStore()
    store.fails = {"put", "list"}
    with pytest.raises(StoreUnavailableError):
        await rendezvous(store).announce(member(1), stale_after=STALE_AFTER)
    with pytest.raises(StoreUnavailableError):
        await rendezvous(store).members(EVERYBODY, stale_after=STALE_AFTER)


@pytest.mark.parametrize("names", [("web/../x", "east"), ("web", ""), ("web", "east/x")])
async def test_a_swarm_has_plain_names(names: tuple[str, str]) -> None:
    with pytest.raises(UsageError):
        StoreRendezvous(ClockedStore(), demo=names[0], realm=names[1])
