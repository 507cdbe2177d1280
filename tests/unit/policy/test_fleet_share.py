"""What a host takes of a bound on the whole fleet: its part by the hosts that draw, with care while few are known."""

from __future__ import annotations

import random

import pytest

from dcdist.model.identity import HostId, Prefix
from dcdist.model.member import Member, Role
from dcdist.policy.fleet.fleet_share import FleetShare
from dcdist.policy.planner_events import MembersChanged, PrefixChanged
from tests.support.planners import host, member

CAP = 120e6


def share() -> FleetShare:
    """Of a host that begins at 0."""
    return FleetShare(CAP, acquainted_from=1.0)


def test_hosts_that_know_each_other_take_equal_shares() -> None:
    made = share()
    made.told(MembersChanged(tuple(member(number) for number in range(2, 21)), ()))
    assert made.drawers == 20
    assert made.rate(noticed_from=6.0, now=6.0) == 6e6


def test_a_host_alone_has_all_of_it_when_others_would_have_noticed_it() -> None:
    assert share().rate(noticed_from=6.0, now=6.0) == CAP


def test_a_host_that_the_others_may_not_know_yet_takes_a_sixteenth_at_most() -> None:
    made = share()
    assert made.rate(noticed_from=6.0, now=0.0) == CAP / 16
    assert made.rate(noticed_from=6.0, now=5.9) == CAP / 16
    made.told(MembersChanged(tuple(member(number) for number in range(2, 31)), ()))
    assert made.rate(noticed_from=6.0, now=5.9) == CAP / 30


def test_before_hosts_that_begin_together_know_each_other_four_are_expected_for_each_that_is_known() -> None:
    made = share()
    made.told(MembersChanged(tuple(member(number) for number in range(2, 11)), ()))
    assert made.rate(noticed_from=6.0, now=0.9) == CAP / 40
    assert made.rate(noticed_from=6.0, now=1.0) == CAP / 16


def test_a_host_that_can_leave_no_heartbeat_takes_a_sixteenth_for_ever() -> None:
    assert share().rate(noticed_from=float("inf"), now=1e6) == CAP / 16


def test_seeders_hosts_without_the_store_and_those_that_need_nothing_more_do_not_count() -> None:
    made = share()
    needs_nothing = Member(host(5), 0, Role.DRAWER, "127.0.0.1", 1, "1", 0)
    made.told(MembersChanged((member(2), member(3, Role.SEEDER), member(4, Role.PEER), needs_nothing), ()))
    assert made.drawers == 2


def test_hosts_that_fetch_another_release_count() -> None:
    made = share()
    made.told(MembersChanged((Member(host(2), 0, Role.DRAWER, "127.0.0.1", 1, "7", 1),), ()))
    assert made.drawers == 2


def test_who_is_done_or_leaves_makes_room() -> None:
    made = share()
    made.told(MembersChanged((member(2), member(3), member(4)), ()))
    assert made.rate(noticed_from=6.0, now=7.0) == CAP / 4
    made.told(MembersChanged((member(2, Role.SEEDER),), (host(3),)))
    assert made.rate(noticed_from=6.0, now=8.0) == CAP / 2


def test_the_members_of_a_prefix_stand_for_the_other_prefixes() -> None:
    made = share()
    made.told(PrefixChanged(4))
    made.told(MembersChanged(tuple(member(number) for number in range(2, 26)), ()))
    assert made.drawers == 25 * 16
    assert made.rate(noticed_from=6.0, now=6.0) == CAP / 400


@pytest.mark.parametrize("seed", range(5))
def test_all_hosts_together_take_the_bound_however_unlike_the_prefixes_are(seed: int) -> None:
    rng = random.Random(seed)
    hosts = [Member(HostId(f"{rng.getrandbits(128):032x}"), 0, Role.DRAWER, "127.0.0.1", 1, "1", 1) for _ in range(400)]
    total = 0.0
    for each in hosts:
        # One quarter of the ids is divided further than the others, as in a fleet that is just growing.
        bits = 4 if Prefix.of(each.host, 2).value == 1 else 2
        prefix = Prefix.of(each.host, bits)
        made = share()
        made.told(PrefixChanged(bits))
        made.told(MembersChanged(tuple(other for other in hosts if other != each and prefix.holds(other.host)), ()))
        total += made.rate(noticed_from=6.0, now=6.0)
    assert total == pytest.approx(CAP)
