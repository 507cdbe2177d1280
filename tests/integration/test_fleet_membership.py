"""Hosts find each other in a store: what a fleet asks of it does not grow with the fleet, and nobody is left out."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import pytest

from dcdist.model.identity import Prefix
from tests.support import virtual_time
from tests.support.fleets import Fleet

if TYPE_CHECKING:
    from collections.abc import Coroutine

MOST_LINKS = 63 + 12


def in_virtual_time(main: Coroutine[None, None, None]) -> None:
    virtual_time.run(main)


def expected_members(fleet: Fleet, hosts: list[int]) -> None:
    """Every one of the hosts knows exactly the others of its prefix."""
    there = {fleet.hosts[number].me.host: fleet.hosts[number] for number in hosts}
    for host in there.values():
        others = {each for each in there if host.prefix.holds(each)} - {host.me.host}
        assert set(host.members) == others
        assert len(others) < 64


def test_a_small_fleet_is_known_to_all_and_linked_with_all() -> None:
    async def main() -> None:
        fleet = Fleet(Random(1))
        fleet.begin(40, within=1.0)
        await asyncio.sleep(8.0)
        assert all(len(host.members) == len(host.links) == 39 for host in fleet.hosts)
        assert all(host.prefixes == [] for host in fleet.hosts)
        await fleet.close()

    in_virtual_time(main())


@pytest.mark.parametrize("size", [85, 300])
def test_hosts_of_a_fleet_know_their_prefix_and_are_one_piece(size: int) -> None:
    async def main() -> None:
        fleet = Fleet(Random(size))
        fleet.begin(size, within=2.0)
        await asyncio.sleep(60.0)
        expected_members(fleet, list(range(size)))
        assert fleet.reached(fleet.hosts) == size
        assert max(host.most_links for host in fleet.hosts) <= MOST_LINKS
        prefixes = [host.prefix for host in fleet.hosts]
        await asyncio.sleep(100.0)
        assert [host.prefix for host in fleet.hosts] == prefixes
        assert not any(host.told for host in fleet.hosts)
        await fleet.close()

    in_virtual_time(main())


def test_a_store_answers_a_bounded_number_of_short_listings() -> None:
    async def main() -> None:
        fleet = Fleet(Random(3))
        store = fleet.store
        fleet.begin(700, within=2.0)
        await asyncio.sleep(60.0)
        assert max(length for _, length in store.listings) <= 400
        assert sum(length for _, length in store.listings) <= 64 * len(store.listings)
        before = len(store.listings), len(store.puts)
        await asyncio.sleep(60.0)
        # Each host looks at its own prefix and at another, 50 of them a second, and now and then at the shorter one.
        assert (len(store.listings) - before[0]) / 60 <= 2.3 * 60
        assert (len(store.puts) - before[1]) / 60 <= 60
        await fleet.close()

    in_virtual_time(main())


def test_a_fleet_that_grows_divides_and_one_that_shrinks_is_whole_again() -> None:
    async def main() -> None:
        fleet = Fleet(Random(4))
        fleet.begin(50, within=1.0)
        await asyncio.sleep(10.0)
        assert {host.bits for host in fleet.hosts} == {0}
        fleet.begin(200, within=1.0)
        await asyncio.sleep(60.0)
        expected_members(fleet, list(range(250)))
        assert {host.bits for host in fleet.hosts} >= {2}
        await fleet.end(fleet.hosts[30:])
        await asyncio.sleep(200.0)
        assert {host.prefix for host in fleet.hosts[:30]} == {Prefix()}
        expected_members(fleet, list(range(30)))
        assert all(len(host.links) == 29 for host in fleet.hosts[:30])
        await fleet.close()

    in_virtual_time(main())


def test_hosts_that_vanish_are_dialled_no_more() -> None:
    async def main() -> None:
        fleet = Fleet(Random(5))
        fleet.begin(150, within=1.0)
        await asyncio.sleep(60.0)
        await fleet.end(fleet.hosts[100:])
        await asyncio.sleep(150.0)
        gone = {host.me.address for host in fleet.hosts[100:]}
        assert not any(address in gone for host in fleet.hosts[:100] for address, _ in host.links)
        assert fleet.reached(fleet.hosts[:100]) == 100
        await fleet.close()

    in_virtual_time(main())
