"""Simulated hosts that come at once find each other as soon as the store can answer them."""

from __future__ import annotations

import random
from heapq import heapify, heappop, heappush

import pytest

from dcdist.model.identity import HostId
from dcdist.model.member import Member, Role
from dcdist.policy.fleet.lookout import LinkUnwanted, LinkWanted, Lookout
from dcdist.sim.heartbeats import Heartbeats, ModelledMembership
from dcdist.sim.modelled_store import ModelledStore
from dcdist.sim.scenario import StoreSpec

ANSWERED = 500
"""Listings and heartbeats that the store serves a second."""


def come_at_once(count: int) -> tuple[list[ModelledMembership], ModelledStore]:
    rng = random.Random(1)
    store = ModelledStore(StoreSpec(1e6, small_rate=ANSWERED))
    heartbeats = Heartbeats()
    members = [
        Member(HostId(f"{rng.getrandbits(128):032x}"), 0, Role.DRAWER, "192.0.2.1", 1 + number, "1", 1)
        for number in range(count)
    ]
    return [ModelledMembership(Lookout(member), store, heartbeats) for member in members], store


def wanted_links(membership: ModelledMembership) -> set[HostId]:
    wanted = set()
    for notice in membership.notices():
        if isinstance(notice, LinkWanted):
            wanted.add(notice.member.host)
        elif isinstance(notice, LinkUnwanted):
            wanted.remove(notice.member.host)
    return wanted


def go_on(memberships: list[ModelledMembership], until: float) -> None:
    waiting = [(membership.due, number) for number, membership in enumerate(memberships)]
    heapify(waiting)
    while waiting[0][0] <= until:
        _, number = heappop(waiting)
        memberships[number].proceed()
        heappush(waiting, (memberships[number].due, number))


@pytest.mark.parametrize("count", [2, 40, 200])
def test_all_have_looked_as_soon_as_the_store_can_have_answered_them(count: int) -> None:
    memberships, store = come_at_once(count)
    go_on(memberships, until=0.2 + 8 * count / ANSWERED)
    assert all(membership.lookout.joined for membership in memberships)
    assert store.load.heartbeats == count


def test_members_of_a_prefix_know_each_other_and_some_of_other_prefixes() -> None:
    memberships, _ = come_at_once(200)
    go_on(memberships, until=30.0)
    for membership in memberships:
        known = wanted_links(membership)
        mine = {each.lookout.me.host for each in memberships if membership.lookout.prefix.holds(each.lookout.me.host)}
        assert mine - {membership.lookout.me.host} <= known
        assert 3 <= len(known - mine) <= 12


def test_the_store_answers_no_more_than_it_can() -> None:
    store = ModelledStore(StoreSpec(1e6, small_rate=10.0, small_latency=0.0))
    assert [store.listed(now=now) for now in (0.0, 0.0, 0.05, 5.0)] == pytest.approx([0.1, 0.2, 0.3, 5.1])


def test_a_host_that_waits_no_longer_for_its_first_look_begins_anew() -> None:
    memberships, store = come_at_once(1)
    memberships[0].begin_anyway(now=1.0)
    assert memberships[0].lookout.joined
    go_on(memberships, until=2.0)
    assert store.load.heartbeats == 1
    assert store.load.listings >= 1


def test_a_host_that_changes_says_so_at_once_and_others_learn_it() -> None:
    memberships, store = come_at_once(2)
    go_on(memberships, until=2.0)
    memberships[0].become(Member(memberships[0].lookout.me.host, 1, Role.SEEDER, "192.0.2.1", 1, "1", 0), now=2.0)
    assert memberships[0].due == 2.0
    memberships[1].notices()
    go_on(memberships, until=30.0)
    events = memberships[1].notices()
    assert events
    assert [member.role for event in events for member in getattr(event, "joined", ())] == [Role.SEEDER]
    assert store.load.heartbeats >= 3
