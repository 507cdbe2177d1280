"""One host's part in the rendezvous, question by question, with literal times."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from dcdist.model.identity import HostId, Prefix
from dcdist.model.member import Member, Role
from dcdist.policy.fleet.lookout import (
    Announce,
    Answer,
    Ask,
    LinkUnwanted,
    LinkWanted,
    ListMembers,
    Lookout,
    Notice,
    WaitUntil,
)
from dcdist.policy.planner_events import MembersChanged, PrefixChanged
from tests.support.planners import member

ME = member(1)
STALE = 45.0
"""Age in seconds from which a heartbeat of a small fleet counts for nothing."""


@dataclass
class Store:
    """Answers the questions of one lookout, each `takes` seconds after it was asked; keeps what happened when."""

    lookout: Lookout
    others: tuple[Member, ...] = ()
    takes: float = 0.0
    now: float = 0.0
    failing: tuple[type[Ask], ...] = ()
    down: Prefix | None = None
    asked: list[tuple[float, Ask]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def step(self) -> None:
        ask = self.lookout.ask
        self.asked.append((self.now, ask))
        self.now = max(self.now, ask.time) if isinstance(ask, WaitUntil) else self.now + self.takes
        if isinstance(ask, self.failing) or (isinstance(ask, ListMembers) and ask.prefix == self.down):
            answer = Answer(self.now, failed=True)
        elif isinstance(ask, ListMembers):
            answer = Answer(self.now, tuple(each for each in self.others if ask.prefix.holds(each.host)))
        else:
            answer = Answer(self.now)
        self.lookout.answer(answer)
        self.notices += self.lookout.notices()

    def join(self) -> None:
        while not self.lookout.joined:
            self.step()

    def go_on(self, until: float) -> None:
        """Answer all that is asked before a time."""
        while not (isinstance(ask := self.lookout.ask, WaitUntil) and ask.time > until):
            self.step()
        self.now = max(self.now, until)

    def become(self, me: Member) -> None:
        self.lookout.become(me)
        if isinstance(self.lookout.ask, WaitUntil):
            self.lookout.answer(Answer(self.now))

    def look_again(self) -> None:
        self.become(self.lookout.me)
        self.go_on(self.now)

    def times(self, kind: type[Ask]) -> list[float]:
        return [round(at, 2) for at, ask in self.asked if isinstance(ask, kind)]

    def lists(self) -> list[ListMembers]:
        return [ask for _, ask in self.asked if isinstance(ask, ListMembers)]

    def listed(self) -> list[Prefix]:
        return [ask.prefix for ask in self.lists()]

    def of(self, *kinds: type[Notice]) -> list[Notice]:
        return [notice for notice in self.notices if isinstance(notice, kinds)]

    def wanted(self) -> set[tuple[str, int]]:
        found: set[tuple[str, int]] = set()
        for notice in self.notices:
            if isinstance(notice, LinkWanted):
                found.add((notice.member.address, notice.member.port))
            elif isinstance(notice, LinkUnwanted):
                found.remove((notice.member.address, notice.member.port))
        return found


def fleet(count: int) -> tuple[Member, ...]:
    """Hosts with random ids; the first is this host."""
    rng = Random(11)
    ids = [HostId(f"{rng.getrandbits(128):032x}") for _ in range(count)]
    return tuple(replace(ME, host=host, port=1000 + number) for number, host in enumerate(ids))


def small(*others: Member) -> Store:
    return Store(Lookout(ME), others)


def large(count: int) -> Store:
    me, *others = fleet(count)
    return Store(Lookout(me), tuple(others))


def test_a_host_registers_then_lists_then_waits() -> None:
    far = replace(member(2), host=HostId("f" * 32))
    store = small(far)
    store.join()

    assert [ask for _, ask in store.asked] == [
        Announce(ME, STALE),
        ListMembers(Prefix.of(ME.host, 6), 750.0),
        ListMembers(Prefix(0), STALE),
    ]
    assert store.notices == [LinkWanted(far), MembersChanged((far,), ())]
    assert store.lookout.ask == WaitUntil(0.15)


def test_looks_are_soon_at_first_and_every_five_seconds_later() -> None:
    store = small()
    store.join()
    store.go_on(20.0)

    assert store.times(ListMembers) == [0.0, 0.0, 0.15, 0.3, 0.45, 0.85, 1.85, 3.85, 6.85, 11.85, 16.85]


def test_the_next_look_counts_from_the_end_of_one_that_took_long() -> None:
    store = small()
    store.takes = 2.0
    store.join()
    store.go_on(12.0)

    # Registered at 2 s; two listings until 6 s; the second look at 6.15 s.
    assert store.times(ListMembers) == [2.0, 4.0, 6.15, 8.3, 10.45]


def test_a_heartbeat_is_refreshed_twelve_seconds_after_it_was_there() -> None:
    store = small()
    store.takes = 1.0
    store.join()
    store.go_on(45.0)

    assert store.times(Announce) == [0.0, 13.0, 26.0, 39.0]
    assert store.asked[0][1] == Announce(ME, STALE)


def test_a_heartbeat_that_failed_is_tried_again_with_each_look() -> None:
    store = small()
    store.failing = (Announce,)
    store.join()
    store.go_on(0.35)
    store.failing = ()
    store.go_on(12.0)

    assert store.times(Announce) == [0.0, 0.15, 0.3, 0.45]


def test_all_know_a_host_six_seconds_after_its_first_heartbeat_is_there() -> None:
    store = small()
    store.takes = 0.5
    assert store.lookout.noticed_from == float("inf")
    store.join()
    assert store.lookout.noticed_from == 6.5
    store.go_on(60.0)
    assert store.lookout.noticed_from == 6.5


def test_a_host_is_unknown_from_a_heartbeat_that_failed_until_one_is_there_again() -> None:
    store = small()
    store.join()
    store.failing = (Announce,)
    store.go_on(12.0)
    assert store.lookout.noticed_from == float("inf")
    store.failing = ()
    store.go_on(17.0)
    assert store.lookout.noticed_from == 16.85 + 6.0


def test_a_look_tells_who_changed_and_that_nobody_did() -> None:
    store = small(member(2), member(3))
    store.join()
    store.look_again()
    changed = replace(member(3), sequence=1, role=Role.SEEDER, needs=0)
    store.others = (changed,)
    store.look_again()

    assert store.of(MembersChanged) == [
        MembersChanged((member(2), member(3)), ()),
        MembersChanged((), ()),
        MembersChanged((changed,), (member(2).host,)),
    ]
    assert store.of(LinkWanted, LinkUnwanted) == [
        LinkWanted(member(2)),
        LinkWanted(member(3)),
        LinkUnwanted(member(2)),
    ]


def test_a_host_that_moved_is_dialled_where_it_is_now() -> None:
    store = small(member(2))
    store.join()
    store.others = (replace(member(2), sequence=1, port=7000),)
    store.look_again()

    assert store.wanted() == {("127.0.0.1", 7000)}


def test_a_place_that_another_host_has_taken_over_is_dialled_anew() -> None:
    store = small(member(2))
    store.join()
    other = replace(member(3), port=member(2).port)
    store.others = (other,)
    store.look_again()

    assert store.of(LinkWanted, LinkUnwanted) == [LinkWanted(member(2)), LinkUnwanted(member(2)), LinkWanted(other)]
    store.look_again()
    assert store.wanted() == {("127.0.0.1", member(2).port)}
    assert len(store.of(LinkWanted, LinkUnwanted)) == 3


def test_members_of_a_prefix_that_was_divided_have_left_it() -> None:
    me, *others = fleet(200)
    store = Store(Lookout(me), tuple(others[:40]))
    store.join()
    store.others = tuple(others)
    store.look_again()

    first, prefix, second = store.of(MembersChanged, PrefixChanged)
    assert isinstance(first, MembersChanged)
    assert prefix == PrefixChanged(2)
    assert isinstance(second, MembersChanged)
    mine = Prefix.of(me.host, 2)
    assert set(second.left) == {each.host for each in others[:40] if not mine.holds(each.host)}


def test_a_fleet_of_one_prefix_has_no_other_to_look_at() -> None:
    store = large(40)
    store.join()
    store.listed()
    store.go_on(60.0)

    assert {prefix.bits for prefix in store.listed()} == {6, 0}
    assert len(store.wanted()) == 39


def test_two_other_prefixes_are_listed_with_each_look_until_all_were_then_one() -> None:
    store = large(300)
    mine = store.lookout.me.host
    store.join()
    store.go_on(30.0)

    beyond = [round(at, 1) for at, ask in store.asked if isinstance(ask, ListMembers) and not ask.prefix.holds(mine)]
    assert store.of(PrefixChanged) == [PrefixChanged(4)]
    # Prefixes of four bits have six that differ in one digit.
    assert [beyond.count(at) for at in sorted(set(beyond))] == [2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1]
    assert 6 <= len([each for each in store.others if (each.address, each.port) in store.wanted()]) - 20 <= 12


def test_a_prefix_elsewhere_that_cannot_be_listed_is_tried_again_with_the_next_look() -> None:
    store = large(300)
    store.join()
    (ask,) = {store.lookout.ask}
    assert isinstance(ask, ListMembers)
    store.down = ask.prefix
    store.go_on(10.0)
    assert {prefix for prefix in store.listed() if not prefix.holds(store.lookout.me.host)} == {store.down}
    store.down = None
    store.go_on(40.0)
    assert len({prefix for prefix in store.listed() if not prefix.holds(store.lookout.me.host)}) == 6


def test_a_listing_that_fails_forgets_nobody_and_says_nothing() -> None:
    store = small(member(2))
    store.join()
    before = list(store.notices)
    store.failing = (ListMembers,)
    store.others = ()
    store.go_on(100.0)
    assert store.notices == before
    store.failing = ()
    store.look_again()
    assert store.notices[len(before) :] == [LinkUnwanted(member(2)), MembersChanged((), (member(2).host,))]


def test_a_host_has_joined_though_the_store_does_neither() -> None:
    store = small(member(2))
    store.failing = (Announce, ListMembers)
    store.join()

    assert store.notices == []
    assert isinstance(store.lookout.ask, WaitUntil)


def test_a_change_is_announced_at_once_with_the_next_number_and_followed_by_a_look() -> None:
    store = small()
    store.join()
    store.go_on(8.0)
    store.asked.clear()
    seeder = replace(ME, role=Role.SEEDER, needs=0)
    store.become(seeder)
    store.go_on(8.0)

    assert [ask for _, ask in store.asked] == [
        Announce(replace(seeder, sequence=1), STALE),
        ListMembers(Prefix(0), STALE),
    ]


def test_changes_while_the_store_is_asked_are_announced_together_right_after() -> None:
    store = small()
    store.step()
    store.lookout.become(replace(ME, needs=2))
    store.lookout.become(replace(ME, needs=4))
    store.go_on(0.0)

    announced = [ask.member for _, ask in store.asked if isinstance(ask, Announce)]
    assert announced == [ME, replace(ME, sequence=2, needs=4)]
    assert isinstance(store.lookout.ask, WaitUntil)


def test_a_change_during_the_first_look_is_announced_before_other_prefixes_are_looked_at() -> None:
    store = large(300)
    store.step()
    store.lookout.become(replace(store.lookout.me, needs=2))
    store.join()

    assert isinstance(store.lookout.ask, Announce)


def test_one_listing_serves_a_longer_prefix_unless_it_shows_hosts_that_are_gone() -> None:
    """The first listing takes heartbeats of 750 s for fresh: right for 10,000 hosts, too long for 6,000."""
    listings = []
    for count in (10_000, 6000):
        store = large(count)
        store.join()
        listings.append([(ask.prefix.bits, ask.stale_after) for ask in store.lists()])

    assert listings == [[(6, 750.0)], [(6, 750.0), (8, 456.0)]]


def test_a_wait_that_is_answered_too_soon_goes_on() -> None:
    store = small()
    store.join()
    waiting = store.lookout.ask
    store.lookout.answer(Answer(0.1))
    assert store.lookout.ask == waiting


def test_a_host_that_waits_no_longer_forgets_the_question_and_registers_and_looks_anew() -> None:
    lookout = Lookout(ME)
    lookout.answer(Answer(1.0))
    assert isinstance(lookout.ask, ListMembers)
    lookout.begin_anyway(now=1.5)
    assert lookout.joined
    far = replace(member(2), host=HostId("f" * 32))
    store = Store(lookout, (far,), now=1.5)
    store.go_on(1.5)

    assert [type(ask) for _, ask in store.asked] == [Announce, ListMembers, ListMembers]
    assert store.of(MembersChanged) == [MembersChanged((far,), ())]


def test_a_look_that_takes_too_many_steps_is_taken_up_by_the_next() -> None:
    """Sixty-four hosts share the first 112 bits with this one, so every shorter prefix is too full."""
    me = fleet(1)[0]
    crowd = tuple(replace(me, host=HostId(f"{int(me.host, 16) ^ number:032x}")) for number in range(1, 65))
    store = Store(Lookout(me), crowd)
    store.join()
    bits = [store.lookout.prefix.bits]
    while not store.notices:
        store.look_again()
        bits.append(store.lookout.prefix.bits)

    # Each length needs two steps: what was fresh enough for a smaller fleet is listed once more.
    assert bits == [22, 38, 54, 70, 86, 102, 118, 122]
    assert store.of(PrefixChanged) == [PrefixChanged(122)]


def test_a_look_because_this_host_changed_is_one_more_than_the_usual_ones() -> None:
    store = small()
    store.join()
    store.go_on(0.05)
    store.become(replace(store.lookout.me, needs=0))
    store.go_on(1.0)

    assert store.times(ListMembers) == [0.0, 0.0, 0.05, 0.2, 0.35, 0.5, 0.9]
