"""The last pieces, when one peer alone holds them and its link is slow: who draws them from the store, and when?"""

from __future__ import annotations

import pytest

from dcdist.model import pieces
from dcdist.policy.planner import Planner
from dcdist.policy.planner_events import LayerOpened, MembersChanged, PeersGave, PeersSeen, PrefixChanged
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import EGRESS
from dcdist.policy.state.ownership import Ownership
from tests.support.planners import GEOMETRY, LAYER, WHOLE_STRIPES, draws, host, member

EVERYTHING = pieces.span(0, GEOMETRY.piece_count)
PER_STRIPE = GEOMETRY.pieces_per_stripe


def stripe_pieces(stripe: int) -> int:
    return pieces.span(stripe * PER_STRIPE, (stripe + 1) * PER_STRIPE)


def stripe_of_rank(rank: int) -> int:
    """A stripe for which this host comes after `rank` others of two."""
    ownership = Ownership(LAYER, GEOMETRY.stripe_count, host(1))
    for other in (2, 3):
        ownership.join(host(other))
    return next(stripe for stripe in range(GEOMETRY.stripe_count) if ownership.rank(stripe) == rank)


def waiting_for(*stripes: int) -> Planner:
    """One of three hosts, that has all but these stripes."""
    lacking = pieces.of(piece for stripe in stripes for piece in pieces.each(stripe_pieces(stripe)))
    made = Planner(PlannerOptions(host=host(1), version="1", layers=(LAYER,), preference=EGRESS), WHOLE_STRIPES)
    made.receive(LayerOpened(0, GEOMETRY, EVERYTHING & ~lacking), now=0.0)
    made.receive(MembersChanged((member(2), member(3)), ()), now=0.0)
    return made


def hear_from_peers(made: Planner, single: int, *, rates: tuple[int, ...], since: float = 0.0) -> None:
    """They hold everything, from `since` on the `single` pieces one of them alone, and give so much in each second."""
    total = 0
    made.receive(PeersGave(0), now=0.0)
    made.receive(PeersSeen(0, EVERYTHING, EVERYTHING, 0 if since else single), now=0.0)
    for second, rate in enumerate(rates):
        for quarter in (0.25, 0.5, 0.75, 1.0):
            total += rate // 4
            if 0 < since <= second + quarter:
                made.receive(PeersSeen(0, EVERYTHING, EVERYTHING, single), now=since)
                since = 0.0
            made.receive(PeersGave(total), now=second + quarter)


FULL_THEN_HALF = (6_000_000, 6_000_000, 6_000_000, 3_000_000, 3_000_000)


def test_what_one_peer_alone_has_held_for_long_is_drawn_at_the_end_by_the_first_in_line() -> None:
    stripe = stripe_of_rank(1)
    made = waiting_for(stripe)
    hear_from_peers(made, stripe_pieces(stripe), rates=FULL_THEN_HALF)

    (draw,) = draws(made, now=5.0)
    assert (draw.first, draw.stop) == (stripe * PER_STRIPE, (stripe + 1) * PER_STRIPE)


def test_the_others_wait_for_it() -> None:
    stripe = stripe_of_rank(2)
    made = waiting_for(stripe)
    hear_from_peers(made, stripe_pieces(stripe), rates=FULL_THEN_HALF)
    assert draws(made, now=5.0) == []

    hear = 18_000_000 + 6_000_000
    for quarter in range(1, 9):
        made.receive(PeersGave(hear + quarter * 750_000), now=5.0 + quarter / 4)
    assert len(draws(made, now=7.0)) == 1


@pytest.mark.parametrize(
    ("single", "rates"),
    [(True, (6_000_000,) * 5), (False, FULL_THEN_HALF)],
    ids=["the link is full", "a second peer holds it"],
)
def test_nothing_is_drawn_twice_without_need(single: bool, rates: tuple[int, ...]) -> None:
    stripe = stripe_of_rank(1)
    made = waiting_for(stripe)
    hear_from_peers(made, stripe_pieces(stripe) if single else 0, rates=rates)

    assert draws(made, now=float(len(rates))) == []


@pytest.mark.parametrize(("since", "drawn"), [(2.9, True), (3.1, False)])
def test_what_one_peer_alone_has_held_for_less_than_two_seconds_may_still_spread(since: float, drawn: bool) -> None:
    stripe = stripe_of_rank(1)
    made = waiting_for(stripe)
    hear_from_peers(made, stripe_pieces(stripe), rates=FULL_THEN_HALF, since=since)

    assert bool(draws(made, now=5.0)) == drawn


def test_stripes_of_another_prefix_are_for_its_members() -> None:
    ownership = Ownership(LAYER, GEOMETRY.stripe_count, host(1))
    ownership.narrow(2)
    stripe = next(stripe for stripe in range(GEOMETRY.stripe_count) if not ownership.covers(stripe))
    made = waiting_for(stripe)
    made.receive(PrefixChanged(2), now=0.0)
    hear_from_peers(made, stripe_pieces(stripe), rates=(*FULL_THEN_HALF, 3_000_000, 3_000_000))

    assert draws(made, now=7.0) == []


def test_a_piece_that_a_second_peer_got_meanwhile_spreads_by_itself() -> None:
    stripe = stripe_of_rank(1)
    made = waiting_for(stripe)
    hear_from_peers(made, stripe_pieces(stripe), rates=FULL_THEN_HALF)
    made.receive(PeersSeen(0, EVERYTHING, EVERYTHING, 0), now=5.0)

    assert draws(made, now=5.0) == []


def test_while_much_is_missing_it_is_not_the_end() -> None:
    missing = range(GEOMETRY.stripe_count)
    made = waiting_for(*missing)
    hear_from_peers(made, EVERYTHING, rates=FULL_THEN_HALF)

    assert draws(made, now=5.0) == []
