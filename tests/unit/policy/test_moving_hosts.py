"""A host whose address changes: it says so, and the others link with it where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.policy.fleet.lookout import Announce, Answer, LinkUnwanted, LinkWanted, ListMembers, Lookout, WaitUntil
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
