"""A host whose address changes: it says so, and the others link with it where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dcdist.policy.fleet.lookout import Announce, Answer, LinkUnwanted, LinkWanted, ListMembers, Lookout, WaitUntil
from dcdist.policy.fleet.neighbours import Neighbours
from dcdist.policy.planner_events import MembersChanged
from tests.support.planners import member

if TYPE_CHECKING:
    from dcdist.model.member import Member

ME = member(1)


def look(lookout: Lookout, others: tuple[Member, ...], *, until: float) -> None:
    """Answer all that is asked until a time."""
    now = 0.0
    while True:
        if isinstance(lookout.ask, WaitUntil):
            if lookout.ask.time > until:
                return
            now = lookout.ask.time
        lookout.answer(Answer(now, others if isinstance(lookout.ask, ListMembers) else ()))


def test_a_host_that_moved_says_so_with_the_heartbeat_that_is_due() -> None:
    lookout = Lookout(ME)
    lookout.moved("10.77.0.50", 1001)
    moved = replace(ME, address="10.77.0.50", port=1001, sequence=1)
    assert isinstance(lookout.ask, Announce)
    assert lookout.ask.member == moved
    lookout.moved("10.77.0.50", 1001)
    assert lookout.me == moved


def test_a_member_that_moved_is_linked_with_at_its_new_address_and_no_more_at_the_old_one() -> None:
    lookout = Lookout(ME)
    before, after = member(2), replace(member(2), address="10.77.0.50", sequence=1)
    look(lookout, (before,), until=0.0)
    lookout.notices()
    look(lookout, (after,), until=1.0)
    notices = lookout.notices()
    assert notices[:2] == (LinkUnwanted(before), LinkWanted(after))
    assert MembersChanged((after,), ()) in notices


@pytest.mark.parametrize("old", [2, 9])
def test_a_host_that_was_killed_and_started_again_is_a_partner_under_both_ids_while_both_are_listed(old: int) -> None:
    lookout = Lookout(ME)
    dead, live = member(old), replace(member(5), port=member(old).port)
    look(lookout, (dead,), until=0.0)
    lookout.notices()
    look(lookout, tuple(sorted((dead, live), key=lambda each: each.host)), until=1.0)
    assert set(lookout.partners or ()) == {dead, live}
    assert [each for each in lookout.notices() if not isinstance(each, MembersChanged)] == [
        LinkUnwanted(dead),
        LinkWanted(live),
    ]
    look(lookout, (live,), until=60.0)
    assert lookout.partners == (live,)
    assert {type(each) for each in lookout.notices()} == {MembersChanged}


def test_a_host_that_died_may_be_known_until_its_heartbeat_is_old_and_the_next_look_was_taken() -> None:
    lookout = Lookout(ME)
    look(lookout, (member(2),), until=0.0)
    assert lookout.listed_for == 45.0 + 6.0


def test_a_host_that_died_in_a_large_fleet_may_be_known_for_longer() -> None:
    neighbours = Neighbours(ME.host)
    while not neighbours.counted(61 if neighbours.prefix.bits == 4 else 1000 >> neighbours.prefix.bits):
        pass
    # 62 hosts of one prefix in 16 stand for 992, and each of 6 other prefixes is listed once in 6 looks.
    assert neighbours.listed_for == pytest.approx(74.4 + 6 * 25.8)
