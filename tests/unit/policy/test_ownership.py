"""Whose turn is it? The same members give the same owners everywhere, and changes move little."""

from __future__ import annotations

from collections import Counter

from dcdist.model.identity import HostId, LayerName, prefix_of
from dcdist.policy.state.ownership import Ownership

LAYER = LayerName("0123456789abcdef" * 2)
HOSTS = [HostId(f"{number:032x}") for number in range(1, 9)]


def seen_by(host: HostId, others: list[HostId], stripes: int = 512) -> Ownership:
    ownership = Ownership(LAYER, stripes, host)
    for other in others:
        ownership.join(other)
    return ownership


def owners(ownership: Ownership, stripes: int = 512) -> list[HostId]:
    return [owner for stripe in range(stripes) if (owner := ownership.owner(stripe)) is not None]


def test_a_host_alone_owns_everything() -> None:
    alone = seen_by(HOSTS[0], [])
    start = alone.start_of(HOSTS[0])

    assert start != 0
    assert list(alone.round_of(HOSTS[0])) == [*range(start, 512), *range(start)]


def test_a_host_without_a_swarm_begins_at_the_front() -> None:
    alone = Ownership(LAYER, 512, HOSTS[0], in_order=True)

    assert list(alone.round_of(HOSTS[0])) == list(range(512))


def test_all_hosts_see_the_same_owners_whatever_the_order_of_news() -> None:
    views = [owners(seen_by(host, order)) for host, order in ((HOSTS[0], HOSTS), (HOSTS[5], HOSTS[::-1]))]

    assert views[0] == views[1]


def test_stripes_are_shared_about_evenly() -> None:
    counts = Counter(owners(seen_by(HOSTS[0], HOSTS)))

    assert sum(counts.values()) == 512
    assert set(counts.values()) == {64}


def test_a_host_that_leaves_moves_little_but_its_own_stripes() -> None:
    ownership = seen_by(HOSTS[0], HOSTS)
    before = owners(ownership)
    ownership.leave(HOSTS[3])

    after = owners(ownership)
    moved = [stripe for stripe in range(512) if before[stripe] != after[stripe]]
    lost = {stripe for stripe in range(512) if before[stripe] == HOSTS[3]}
    assert lost <= set(moved)
    assert len(moved) < 1.3 * len(lost)


def test_stripes_of_other_prefixes_are_nobodys_business() -> None:
    ownership = seen_by(HOSTS[0], HOSTS[:2])
    ownership.narrow(2)

    covered = [stripe for stripe in range(512) if ownership.covers(stripe)]
    assert 90 < len(covered) < 170
    assert {ownership.owner(stripe) for stripe in covered} == set(HOSTS[:2])
    assert all(ownership.owner(stripe) is None for stripe in range(512) if stripe not in covered)


def test_widening_a_prefix_again_deals_as_before() -> None:
    ownership = seen_by(HOSTS[0], HOSTS)
    before = owners(ownership)

    assert ownership.narrow(4)
    assert not ownership.narrow(4)
    assert ownership.narrow(0)
    assert owners(ownership) == before


def test_the_prefixes_of_a_fleet_share_all_stripes_and_none_twice() -> None:
    hosts = [HostId(f"{number << 124:032x}") for number in range(16)]
    covered = []
    for host in hosts[::4]:
        ownership = seen_by(host, hosts)
        ownership.narrow(2)
        covered += [stripe for stripe in range(512) if ownership.covers(stripe)]
    assert sorted(covered) == list(range(512))


def test_fosters_of_a_stripe_take_turns_those_of_near_prefixes_first() -> None:
    hosts = [HostId(f"{number << 120:032x}") for number in range(0, 256, 4)]
    places: dict[int, list[tuple[int, int]]] = {}
    for host in hosts:
        bits = 4
        ownership = seen_by(host, [each for each in hosts if prefix_of(each, bits) == prefix_of(host, bits)])
        ownership.narrow(bits)
        for stripe in range(64):
            places.setdefault(stripe, []).append((ownership.adoption_place(stripe), prefix_of(host, bits)))
    for listed in places.values():
        home = {prefix for place, prefix in listed if place < 10}
        near = {prefix for place, prefix in listed if 10 <= place < 20}
        assert len(home) == 1
        assert near == {prefix for prefix in range(16) if prefix >> 2 == min(home) >> 2} - home
        for prefix in range(16):
            turns = sorted(place % 10 for place, of in listed if of == prefix)
            assert turns == list(range(len(turns)))


def test_joining_and_leaving_again_changes_nothing() -> None:
    ownership = seen_by(HOSTS[0], HOSTS[:4])
    before = [(ownership.owner(stripe), ownership.rank(stripe)) for stripe in range(512)]
    ownership.join(HOSTS[7])
    ownership.leave(HOSTS[7])

    assert [(ownership.owner(stripe), ownership.rank(stripe)) for stripe in range(512)] == before


def test_the_ranks_of_a_stripe_are_all_different_across_hosts() -> None:
    views = [seen_by(host, HOSTS) for host in HOSTS]

    for stripe in range(64):
        assert sorted(view.rank(stripe) for view in views) == list(range(8))
        assert [view.rank(stripe) for view in views].index(0) == HOSTS.index(owners(views[0])[stripe])


def test_rounds_of_different_hosts_begin_at_different_stripes() -> None:
    ownership = seen_by(HOSTS[0], HOSTS)

    assert len({ownership.start_of(host) for host in HOSTS}) == 8
