"""In a fleet of thousands the stripes of a prefix are drawn one after another, and none is waited for in vain."""

from __future__ import annotations

from dcdist.model import pieces
from dcdist.model.geometry import MIB, Geometry
from dcdist.policy.fleet.fleet_window import FleetWindow
from dcdist.policy.planner import Planner
from dcdist.policy.planner_events import LayerOpened, MembersChanged, PeersSeen, PrefixChanged
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import EGRESS
from tests.support.planners import LAYER, draws, host, member

LARGE = Geometry.for_length(4096 * MIB)


def test_a_fleet_of_some_hundred_hosts_begins_at_once() -> None:
    assert [FleetWindow(0.0).window(bits) for bits in (0, 2)] == [None, None]


def test_more_stripes_of_a_prefix_may_be_drawn_as_some_appear_and_one_at_least() -> None:
    turns = FleetWindow(0.0)
    assert [turns.window(bits) for bits in (4, 6, 8, 10, 20)] == [16, 4, 1, 1, 1]
    turns.shown(2, now=1.0)
    assert [turns.window(bits) for bits in (4, 6, 8, 10, 20)] == [8, 6, 3, 1, 1]
    turns.shown(100, now=2.0)
    assert [turns.window(bits) for bits in (4, 6, 8, 10, 20)] == [64, 16, 4, 1, 1]


def test_what_is_in_flight_is_what_comes_in_four_seconds_and_four_stripes_at_least() -> None:
    turns = FleetWindow(10.0)
    turns.shown(16, now=18.0)
    assert turns.window(4) == 8
    turns.shown(1, now=19.0)
    assert turns.window(4) == 8
    turns.shown(1, now=100.0)
    assert turns.window(4) == 4


def windows(cycle: float, *, until: float) -> list[int]:
    """How the window goes where all that it holds appears together after so many seconds."""
    turns, now, found = FleetWindow(0.0), 0.0, []
    while now < until:
        found.append(turns.window(4) or 0)
        now += cycle
        turns.shown(found[-1], now=now)
    return found


def test_the_fleet_asks_for_more_and_more_of_a_store_that_gives_it_within_some_seconds() -> None:
    assert windows(1.0, until=5.0) == [16, 32, 64, 64, 64]
    assert windows(2.0, until=9.0) == [16, 32, 48, 64, 64]


def test_what_was_there_before_a_host_may_begin_tells_nothing_of_the_pace() -> None:
    turns = FleetWindow(10.0)
    turns.shown(3, now=9.0)
    assert turns.window(4) == 19


FIRST, SECOND = 473, 890
"""The stripes of the prefix, and the hosts whose turn they are."""
OWNER_OF_FIRST, OWNER_OF_SECOND = 10, 29


def member_of_a_huge_fleet(number: int) -> Planner:
    """One of 39 in a prefix of 8 bits."""
    made = Planner(PlannerOptions(host=host(number), version="1", layers=(LAYER,), preference=EGRESS))
    made.receive(PrefixChanged(8), now=0.0)
    made.receive(MembersChanged(tuple(member(each) for each in range(1, 40) if each != number), ()), now=0.0)
    made.receive(LayerOpened(0, LARGE, 0), now=0.0)
    return made


def drawn(made: Planner, *, now: float) -> list[int]:
    return [draw.first // LARGE.pieces_per_stripe for draw in draws(made, now=now)]


def stripe_pieces(stripe: int) -> int:
    span = LARGE.stripe_pieces(stripe)
    return pieces.span(span.start, span.stop)


def test_the_owner_of_the_first_stripe_draws_it_at_once() -> None:
    assert drawn(member_of_a_huge_fleet(OWNER_OF_FIRST), now=0.0) == [FIRST]


def test_a_stripe_is_drawn_by_its_owner_when_the_one_before_it_was_seen() -> None:
    made = member_of_a_huge_fleet(OWNER_OF_SECOND)
    assert drawn(made, now=0.0) == []
    assert drawn(made, now=2.0) == []
    made.receive(PeersSeen(0, stripe_pieces(FIRST)), now=3.0)
    assert drawn(made, now=3.0) == [SECOND]


def test_a_stripe_that_does_not_appear_in_its_turn_is_drawn_by_the_others_in_the_order_of_their_ranks() -> None:
    begun = {}
    for number in (1, 2, 3, 5, 7):
        made = member_of_a_huge_fleet(number)
        begun[number] = next(second for second in range(600) if FIRST in drawn(made, now=float(second)))
    assert min(begun.values()) >= 7
    assert len(set(begun.values())) == len(begun)
