"""Heartbeats out, listings in: the planner hears of changes, and a silent store is only missing news."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING

from dcdist.engine.membership import Listeners, Membership
from dcdist.errors import StoreUnavailableError
from dcdist.model.identity import HostId, Prefix
from dcdist.model.member import Member, Role
from dcdist.policy.planner_events import MembersChanged, PrefixChanged
from tests.support import virtual_time
from tests.support.engine import RememberingRendezvous
from tests.support.planners import member

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DOWN = StoreUnavailableError("no answer")


class SilentRendezvous(RememberingRendezvous):
    """One that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()

    async def announce(self, member: Member, *, stale_after: float) -> None:
        await self.answers.wait()
        await super().announce(member, stale_after=stale_after)


class PartlyDownRendezvous(RememberingRendezvous):
    """One that cannot list one prefix."""

    down = Prefix(128)

    async def members(self, prefix: Prefix, *, stale_after: float) -> tuple[Member, ...]:
        if prefix == self.down:
            raise DOWN
        return await super().members(prefix, stale_after=stale_after)


@dataclass
class Told:
    """What a membership told, in order."""

    all: list[tuple[str, object]] = field(default_factory=list)
    changes: list[tuple[tuple[Member, ...], tuple[HostId, ...]]] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)

    def listeners(self) -> Listeners:
        return Listeners(
            news=self._news,
            linked=lambda address, port: self.all.append(("linked", (address, port))),
            unlinked=lambda address, port: self.all.append(("unlinked", (address, port))),
            troubled=lambda message: self.all.append(("troubled", message)),
        )

    def _news(self, event: MembersChanged | PrefixChanged) -> None:
        if isinstance(event, PrefixChanged):
            self.all.append(("narrowed", event.bits))
            self.bits.append(event.bits)
        else:
            self.all.append(("changed", (event.joined, event.left)))
            self.changes.append((event.joined, event.left))

    def of(self, kind: str) -> list[object]:
        return [what for each, what in self.all if each == kind]

    def troubles(self) -> list[str]:
        return [str(what) for what in self.of("troubled")]

    def links(self) -> set[object]:
        return set(self.of("linked")) - set(self.of("unlinked"))


def take_part(
    rendezvous: RememberingRendezvous, me: Member | None = None, *, patience: float = 1.5
) -> tuple[Membership, Told]:
    told = Told()
    return Membership(rendezvous, me or member(1), told.listeners(), patience=patience), told


@asynccontextmanager
async def running(membership: Membership) -> AsyncIterator[None]:
    task = asyncio.create_task(membership.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def fleet(count: int) -> tuple[Member, ...]:
    """Hosts with random ids; the first is this host."""
    rng = Random(11)
    ids = [HostId(f"{rng.getrandbits(128):032x}") for _ in range(count)]
    return tuple(replace(member(1), host=host, port=1000 + number) for number, host in enumerate(ids))


async def test_a_host_registers_before_it_lists() -> None:
    rendezvous = RememberingRendezvous(others=(member(2),))
    membership, told = take_part(rendezvous)
    await membership.begin()

    assert rendezvous.announced == [member(1)]
    assert told.all == [("linked", ("127.0.0.1", 1002)), ("changed", ((member(2),), ()))]


async def test_a_host_of_a_small_fleet_lists_twice_and_finds_everybody() -> None:
    far = replace(member(2), host=HostId("f" * 32))
    rendezvous = RememberingRendezvous(others=(far,))
    membership, told = take_part(rendezvous)
    await membership.begin()

    assert told.changes == [((far,), ())]
    assert [prefix.bits for prefix in rendezvous.listed] == [6, 0]


async def test_seeders_and_hosts_of_other_releases_count_as_members() -> None:
    others = tuple(
        replace(each, role=Role.SEEDER, needs=0) if number % 2 else replace(each, version="2")
        for number, each in enumerate(fleet(70))
    )
    membership, told = take_part(RememberingRendezvous(others=others[1:]), others[0])
    await membership.begin()

    assert told.bits == [2]


async def test_the_planner_hears_of_a_prefix_before_it_hears_of_its_members() -> None:
    me, *others = fleet(300)
    rendezvous = RememberingRendezvous(others=tuple(others))
    membership, told = take_part(rendezvous, me)
    await membership.begin()

    kinds = [kind for kind, _ in told.all if kind in {"narrowed", "changed"}]
    assert kinds == ["narrowed", "changed"]
    (bits,), ((joined, _),) = told.bits, told.changes
    mine = Prefix.of(me.host, bits)
    assert {each.host for each in joined} == {each.host for each in others if mine.holds(each.host)}
    assert 0 < len(joined) < 64


def test_hosts_of_other_prefixes_are_linked_to_within_seconds() -> None:
    async def main() -> None:
        me, *others = fleet(300)
        rendezvous = RememberingRendezvous(others=tuple(others))
        membership, told = take_part(rendezvous, me)
        await membership.begin()
        inside = {(each.address, each.port) for each in told.changes[0][0]}
        assert told.links() == inside
        rendezvous.listed.clear()
        async with running(membership):
            await asyncio.sleep(3.0)
            outside = told.links() - inside
            assert 6 <= len(outside) <= 12
            elsewhere = [prefix for prefix in rendezvous.listed if prefix != Prefix.of(me.host, prefix.bits)]
            assert {prefix.bits for prefix in elsewhere} == set(told.bits)
            assert 3 <= len(set(elsewhere)) <= 8
            # Later looks go on with one other prefix each, and find nothing new.
            await asyncio.sleep(7.0)
            before, listings = told.links(), len(rendezvous.listed)
            await asyncio.sleep(30.0)
            assert told.links() == before
            assert len(rendezvous.listed) - listings <= 2 * 8 + 2

    virtual_time.run(main())


def test_a_host_elsewhere_that_left_is_replaced() -> None:
    async def main() -> None:
        me, *others = fleet(300)
        rendezvous = RememberingRendezvous(others=tuple(others))
        membership, told = take_part(rendezvous, me)
        await membership.begin()
        inside = told.links()
        async with running(membership):
            await asyncio.sleep(5.0)
            outside = told.links() - inside
            rendezvous.others = tuple(each for each in others if (each.address, each.port) not in outside)
            await asyncio.sleep(100.0)
            assert outside <= set(told.of("unlinked"))
            assert len(told.links() - inside) == len(outside)

    virtual_time.run(main())


def test_a_store_that_is_down_is_reported_once_and_forgets_nobody() -> None:
    async def main() -> None:
        rendezvous = RememberingRendezvous(others=(member(2),))
        membership, told = take_part(rendezvous)
        await membership.begin()
        rendezvous.fails = DOWN
        membership.become(member(1))
        async with running(membership):
            await asyncio.sleep(60.0)

        assert told.changes == [((member(2),), ())]
        assert told.of("unlinked") == []
        assert ["heartbeat" in trouble for trouble in told.troubles()] == [True, False]
        assert ["no answer" in trouble for trouble in told.troubles()] == [True, True]

    virtual_time.run(main())


def test_a_store_that_is_down_again_is_reported_again() -> None:
    async def main() -> None:
        rendezvous = RememberingRendezvous(others=(member(2),))
        membership, told = take_part(rendezvous)
        await membership.begin()
        async with running(membership):
            for fails in (DOWN, None, DOWN):
                rendezvous.fails = fails
                await asyncio.sleep(60.0)

        assert sorted("heartbeat" in trouble for trouble in told.troubles()) == [False, False, True, True]

    virtual_time.run(main())


def test_a_prefix_elsewhere_that_cannot_be_listed_is_reported_once_and_tried_again() -> None:
    async def main() -> None:
        me, *others = fleet(300)
        rendezvous = PartlyDownRendezvous(others=tuple(others))
        membership, told = take_part(rendezvous, me)
        await membership.begin()
        inside = told.links()
        (bits,) = told.bits
        rendezvous.down = Prefix(bits, Prefix.of(me.host, bits).value ^ 1)
        async with running(membership):
            await asyncio.sleep(60.0)
            assert len(told.troubles()) == 1
            assert "another part of the fleet" in told.troubles()[0]
            rendezvous.down = Prefix(128)
            await asyncio.sleep(60.0)
            assert len(told.links() - inside) >= 6
            assert len(told.troubles()) == 1

    virtual_time.run(main())


def test_a_heartbeat_is_refreshed_every_twelve_seconds() -> None:
    async def main() -> None:
        rendezvous = RememberingRendezvous()
        membership, _ = take_part(rendezvous)
        await membership.begin()
        async with running(membership):
            await asyncio.sleep(119.0)
        assert rendezvous.announced == [member(1)] * 10

    virtual_time.run(main())


def test_a_heartbeat_that_failed_is_tried_again_with_the_next_look() -> None:
    async def main() -> None:
        rendezvous = RememberingRendezvous(fails=DOWN)
        membership, told = take_part(rendezvous)
        await membership.begin()
        async with running(membership):
            await asyncio.sleep(0.1)
            rendezvous.fails = None
            await asyncio.sleep(0.3)
            assert rendezvous.announced == [member(1)]
        assert len(told.troubles()) == 2

    virtual_time.run(main())


async def test_a_change_of_this_host_is_announced_soon_with_the_next_number() -> None:
    rendezvous = RememberingRendezvous()
    membership, _ = take_part(rendezvous)
    await membership.begin()
    async with running(membership):
        membership.become(replace(member(1), role=Role.SEEDER, needs=0))
        while len(rendezvous.announced) < 2:
            await asyncio.sleep(0)

    assert rendezvous.announced[1] == replace(member(1), sequence=1, role=Role.SEEDER, needs=0)


def test_a_host_that_moves_announces_its_new_address_with_its_next_look() -> None:
    async def main() -> None:
        rendezvous = RememberingRendezvous()
        place: list[tuple[str, int] | None] = [(member(1).address, member(1).port)]
        membership = Membership(rendezvous, member(1), Told().listeners(), patience=1.5, whereabouts=lambda: place[0])
        await membership.begin()
        async with running(membership):
            for place[0] in (("10.77.0.50", 1001), None):
                await asyncio.sleep(12.5)
        moved = replace(member(1), address="10.77.0.50", sequence=1)
        # At the next look, 0.15 s later, and then with the heartbeats of every twelve seconds.
        assert rendezvous.announced == [member(1), moved, moved, moved]
        assert membership.me == moved

    virtual_time.run(main())


def test_the_start_does_not_wait_for_a_store_that_does_not_answer() -> None:
    async def main() -> None:
        rendezvous = SilentRendezvous()
        membership, told = take_part(rendezvous, patience=1.5)
        await membership.begin()
        assert asyncio.get_running_loop().time() == 1.5
        assert told.all == []

        rendezvous.answers.set()
        async with running(membership):
            await asyncio.sleep(0.1)
        assert rendezvous.announced == [member(1)]
        assert told.changes == [((), ())]

    virtual_time.run(main())


def test_a_host_is_noticed_some_time_after_its_heartbeat_is_there_and_not_while_there_is_none() -> None:
    async def main() -> None:
        rendezvous = RememberingRendezvous(fails=DOWN)
        membership, _ = take_part(rendezvous)
        await membership.begin()
        assert membership.noticed_from == float("inf")
        rendezvous.fails = None
        async with running(membership):
            await asyncio.sleep(1.0)
            noticed_from = membership.noticed_from
            assert 6.0 <= noticed_from <= 7.0
            await asyncio.sleep(60.0)
            assert membership.noticed_from == noticed_from
            rendezvous.fails = DOWN
            await asyncio.sleep(15.0)
            assert membership.noticed_from == float("inf")

    virtual_time.run(main())
