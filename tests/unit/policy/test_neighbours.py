"""Whom a host deals with: prefixes of the right size, on which all agree, and links that leave no islands."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from random import Random

import pytest

from dcdist.model.identity import HostId, Prefix
from dcdist.model.member import Member, Role
from dcdist.policy.fleet.neighbours import Neighbours

SIZES = [1, 2, 9, 10, 17, 60, 63, 64, 65, 66, 90, 150, 250, 257, 300, 640, 1000, 1024, 1100, 4096, 4200, 10_000, 20_000]
MOST_LISTINGS = 6


class Fleet:
    """Hosts with random ids, and the count of each prefix."""

    def __init__(self, size: int, rng: Random) -> None:
        self._rng = rng
        self.ids = sorted(rng.getrandbits(128) for _ in range(size))

    def hosts(self) -> list[HostId]:
        return [HostId(f"{number:032x}") for number in self.ids]

    def some(self, count: int) -> list[HostId]:
        return [HostId(f"{number:032x}") for number in self._rng.sample(self.ids, min(count, len(self.ids)))]

    def members(self, prefix: Prefix) -> list[HostId]:
        return [HostId(f"{self.ids[place]:032x}") for place in self._places(prefix)]

    def count(self, prefix: Prefix) -> int:
        return len(self._places(prefix))

    def _places(self, prefix: Prefix) -> range:
        shift = 128 - prefix.bits
        first = bisect_left(self.ids, prefix.value << shift)
        return range(first, bisect_left(self.ids, (prefix.value + 1) << shift))

    def lose(self, part: float) -> None:
        self.ids = sorted(self._rng.sample(self.ids, round(len(self.ids) * (1 - part))))

    def shortest(self, host: HostId) -> Prefix:
        """What everyone should end with: the shortest prefix with 64 members or fewer."""
        bits = range(0, 130, 2)
        return next(mine for b in bits if self.count(mine := Prefix.of(host, b)) <= 64)

    def look(self, host: HostId, neighbours: Neighbours) -> int:
        """List until the prefix is right; how many listings that took."""
        listings = 1
        while not neighbours.counted(self.count(neighbours.prefix) - 1):
            listings += 1
            assert listings < 100, "it goes back and forth"
        return listings


def settled(fleet: Fleet, host: HostId) -> Neighbours:
    neighbours = Neighbours(host)
    fleet.look(host, neighbours)
    return neighbours


def member(host: HostId) -> Member:
    return Member(host, 0, Role.DRAWER, "10.0.0.1", 6881, "1", 1)


@pytest.mark.parametrize("size", SIZES)
def test_all_hosts_of_a_steady_fleet_share_prefixes_of_64_at_most(size: int) -> None:
    fleet = Fleet(size, Random(size))
    for host in fleet.some(300):
        neighbours = settled(fleet, host)
        assert neighbours.prefix == fleet.shortest(host)


def test_few_hosts_share_a_prefix_with_less_than_ten() -> None:
    sizes = Counter[bool]()
    for seed in range(40):
        rng = Random(seed)
        fleet = Fleet(rng.randint(65, 20_000), rng)
        counts = [fleet.count(settled(fleet, host).prefix) for host in fleet.some(50)]
        assert min(counts) >= 4
        sizes.update(count < 10 for count in counts)
    assert sizes[True] < 0.02 * sizes.total()


@pytest.mark.parametrize("size", SIZES)
def test_the_first_look_takes_few_listings_and_none_of_them_is_long(size: int) -> None:
    fleet = Fleet(size, Random(size))
    for host in fleet.some(100):
        neighbours = Neighbours(host)
        longest, listings = 0, 1
        while not neighbours.counted(fleet.count(neighbours.prefix) - 1):
            longest = max(longest, fleet.count(neighbours.prefix))
            listings += 1
        assert listings <= MOST_LISTINGS
        assert longest <= 400


@pytest.mark.parametrize("size", SIZES)
def test_a_steady_fleet_shifts_nobody(size: int) -> None:
    fleet = Fleet(size, Random(size))
    for host in fleet.some(30):
        neighbours = settled(fleet, host)
        prefix = neighbours.prefix
        listings = 0
        for _ in range(100):
            listings += fleet.look(host, neighbours)
            assert neighbours.prefix == prefix
        assert listings <= 130


def test_hosts_that_come_and_go_at_the_limit_shift_nobody_twice() -> None:
    neighbours = Neighbours(HostId(f"{7:032x}"))
    seen = []
    for everybody in [60, 64, 66, 64, 63, 66, 64, 60, 66, 60] * 20:
        while not neighbours.counted((everybody >> neighbours.prefix.bits) - 1):
            pass
        seen.append(neighbours.prefix.bits)
    assert seen == [0, 0, *[2] * 198]


def test_a_fleet_that_became_small_is_whole_again() -> None:
    fleet = Fleet(3000, Random(1))
    hosts = fleet.hosts()
    views = {host: settled(fleet, host) for host in hosts[::40]}
    assert {view.prefix.bits for view in views.values()} == {6}
    fleet.lose(0.99)
    for _ in range(40):
        for host, view in views.items():
            members = set(fleet.members(view.prefix)) - {host}
            while not view.counted(len(members)):
                members = set(fleet.members(view.prefix)) - {host}
    assert {view.prefix for view in views.values()} == {Prefix()}


def test_who_refreshes_as_rarely_as_a_large_fleet_does_is_not_left_out() -> None:
    """A newcomer takes the fleet for small, and sees only those who were there in the last 45 s."""
    fleet = Fleet(20_000, Random(3))
    rng = Random(4)
    ages = {host: rng.uniform(0, 400) for host in fleet.hosts()}
    host = fleet.hosts()[777]
    neighbours = Neighbours(host)
    listings = 0
    while True:
        listings += 1
        fresh = [each for each in fleet.members(neighbours.prefix) if ages[each] <= neighbours.listing_age]
        if neighbours.counted(len({*fresh} - {host})):
            break
    assert neighbours.prefix == fleet.shortest(host)
    assert listings <= 8


@pytest.mark.parametrize(
    ("size", "seed"),
    [*((size, seed) for size in (65, 70, 257, 300, 1000, 1100, 4200) for seed in (1, 2, 3)), (10_000, 4), (20_000, 5)],
)
def test_a_fleet_is_one_piece(size: int, seed: int) -> None:
    """Members of one prefix are linked with each other; so it is enough to follow the links of a few of each."""
    fleet = Fleet(size, Random(seed))
    piece_of: dict[Prefix, Prefix] = {}

    def piece(prefix: Prefix) -> Prefix:
        while piece_of.setdefault(prefix, prefix) != prefix:
            prefix = piece_of[prefix]
        return prefix

    prefix_of_host: dict[HostId, Prefix] = {}
    for host in fleet.hosts():
        if host not in prefix_of_host:
            prefix = fleet.shortest(host)
            prefix_of_host.update(dict.fromkeys(fleet.members(prefix), prefix))
    by_prefix: dict[Prefix, list[HostId]] = {}
    for host, prefix in prefix_of_host.items():
        by_prefix.setdefault(prefix, []).append(host)
    for prefix, hosts in by_prefix.items():
        for host in hosts[:2]:
            neighbours = settled(fleet, host)
            assert neighbours.prefix == prefix
            for other in neighbours.elsewhere():
                for chosen in neighbours.chosen(map(member, fleet.members(other))):
                    piece_of[piece(prefix)] = piece(prefix_of_host[chosen.host])
    assert len({piece(prefix) for prefix in by_prefix}) == 1


@pytest.mark.parametrize(("size", "part"), [(300, 0.7), (1100, 0.5), (1100, 0.9), (4200, 0.8)])
@pytest.mark.parametrize("looks", [1, 10])
def test_a_fleet_that_many_left_at_once_is_still_one_piece(size: int, part: float, looks: int) -> None:
    fleet = Fleet(size, Random(size))
    before = {host: settled(fleet, host) for host in fleet.hosts()}
    fleet.lose(part)
    linked: dict[HostId, set[HostId]] = {host: set() for host in fleet.hosts()}
    for host in linked:
        for _ in range(looks):
            fleet.look(host, before[host])
        others = [before[host].chosen(map(member, fleet.members(prefix))) for prefix in before[host].elsewhere()]
        for other in (*fleet.members(before[host].prefix), *(each.host for chosen in others for each in chosen)):
            linked[host].add(other)
            linked[other].add(host)
    reached = {fleet.hosts()[0]}
    left = list(reached)
    while left:
        fresh = linked[left.pop()] - reached
        reached |= fresh
        left += fresh

    assert len(reached) == len(linked)


@pytest.mark.parametrize("size", [65, 300, 1100, 5000, 20_000])
def test_links_elsewhere_are_few_and_in_other_prefixes(size: int) -> None:
    fleet = Fleet(size, Random(size))
    for host in fleet.some(50):
        neighbours = settled(fleet, host)
        elsewhere = neighbours.elsewhere()
        links = [each for prefix in elsewhere for each in neighbours.chosen(map(member, fleet.members(prefix)))]
        assert len(elsewhere) <= 8
        assert len(links) <= 12
        assert not any(neighbours.prefix.holds(each.host) for each in links)


def test_every_digit_of_the_prefix_is_changed() -> None:
    fleet = Fleet(20_000, Random(1))
    for host in fleet.some(50):
        neighbours = settled(fleet, host)
        changes = [prefix.value ^ neighbours.prefix.value for prefix in neighbours.elsewhere()]
        digits = {(change.bit_length() - 1) // 2 for change in changes}
        assert digits == set(range(neighbours.prefix.bits // 2))
        assert len(set(changes)) == len(changes)


def test_the_links_of_a_fleet_are_spread() -> None:
    fleet = Fleet(2500, Random(5))
    prefix = Prefix(6, 33)
    chosen = Counter[HostId]()
    for host in fleet.hosts():
        if prefix not in (neighbours := settled(fleet, host)).elsewhere():
            continue
        chosen.update(each.host for each in neighbours.chosen(map(member, fleet.members(prefix))))
    assert len(chosen) >= 0.9 * fleet.count(prefix)
    assert max(chosen.values()) <= 30


def test_a_choice_is_moved_only_by_those_who_are_chosen() -> None:
    fleet = Fleet(300, Random(6))
    host = fleet.hosts()[0]
    neighbours = settled(fleet, host)
    there = [member(each) for each in fleet.members(neighbours.elsewhere()[0])]
    chosen = neighbours.chosen(there)
    for gone in there:
        left = neighbours.chosen(each for each in there if each != gone)
        assert [each for each in left if each in chosen] == [each for each in chosen if each != gone]


def test_a_small_fleet_is_looked_for_at_once_and_then_every_five_seconds() -> None:
    neighbours = settled(Fleet(8, Random(1)), Fleet(8, Random(1)).hosts()[0])
    assert [neighbours.look_after(look) for look in range(8)] == [0.15, 0.15, 0.15, 0.4, 1.0, 2.0, 3.0, 5.0]
    assert (neighbours.refresh, neighbours.stale_after) == (12.0, 45.0)


@pytest.mark.parametrize("size", [2_000, 10_000, 20_000])
def test_the_store_is_asked_a_bounded_number_a_second_however_many_hosts_there_are(size: int) -> None:
    fleet = Fleet(size, Random(size))
    views = [settled(fleet, host) for host in fleet.some(400)]
    part = len(fleet.ids) / len(views)
    assert part * sum(1 / view.look_after(100) for view in views) < 70
    assert part * sum(1 / view.refresh for view in views) < 70
    assert part * sum(1 / view.look_after(3) for view in views) < 350


def test_hosts_of_a_large_fleet_do_not_look_all_at_once() -> None:
    fleet = Fleet(10_000, Random(1))
    waits = sorted(view.look_after(2) / view.fleet for view in (settled(fleet, host) for host in fleet.some(200)))
    assert waits[0] < 0.0032
    assert waits[-1] > 0.0048


def test_a_newcomer_is_noticed_when_all_others_have_looked_once() -> None:
    small = settled(Fleet(8, Random(1)), Fleet(8, Random(1)).hosts()[0])
    assert small.noticed_after == 6.0
    large = Fleet(10_000, Random(1))
    views = [settled(large, host) for host in large.some(50)]
    assert all(view.noticed_after > view.look_after(look) for view in views for look in range(7, 50))
