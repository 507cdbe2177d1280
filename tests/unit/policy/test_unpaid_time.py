"""How long may nothing be asked of the store? Peers pay for the time with whole pieces, and with nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.model import pieces
from dcdist.policy.link.unpaid_time import UnpaidTime
from dcdist.policy.planner_commands import Draw, Reason
from dcdist.policy.planner_events import (
    BytesDrawn,
    DrawFailed,
    DrawFinished,
    DrawNeedless,
    Failure,
    HostsLinked,
    MembersChanged,
    PeersGave,
    PeersSeen,
    PieceFoundCorrupt,
    PiecesFinished,
)
from dcdist.policy.preference import EGRESS, TIME, Preference
from dcdist.policy.rules import Rule
from tests.support.planners import GEOMETRY, draws, member, planner

if TYPE_CHECKING:
    from dcdist.policy.planner import Planner

ALONE = frozenset(set(Rule) - {Rule.STANDSTILL})
"""Without all other rules a host draws its own stripes only, and what it draws because it stands still."""
OTHERS = tuple(member(number) for number in range(2, 64))
EVERYTHING = pieces.span(0, GEOMETRY.piece_count)
EACH = pytest.mark.parametrize(("preference", "borne"), [(TIME, 9), (EGRESS, 21)])
"""Those of the preference, and a second for a stripe while it is not known what one takes."""


def waiting(preference: Preference = EGRESS) -> Planner:
    """A host that has no stripe of its own left to draw: peers offer everything."""
    made = planner(preference=preference, without=ALONE)
    made.receive(MembersChanged(OTHERS, ()), now=0.0)
    made.receive(PeersSeen(0, EVERYTHING), now=0.0)
    return made


def first_draw(made: Planner, *, until: int) -> float | None:
    """When it draws first, by half seconds, and that it does so because it stands still; None: not until then."""
    for half in range(2 * until + 1):
        begun = draws(made, now=half / 2)
        if begun:
            assert [draw.reason for draw in begun] == [Reason.STANDSTILL]
            return half / 2
    return None


def end(made: Planner, draw: Draw, *, now: float) -> None:
    """All of a draw came."""
    made.receive(BytesDrawn(draw.number, (draw.stop - draw.first) * GEOMETRY.piece_length), now=now)
    made.receive(DrawFinished(draw.number), now=now)
    made.receive(PiecesFinished(0, pieces.span(draw.first, draw.stop)), now=now)


def test_time_passes_only_while_the_store_could_be_asked_and_is_not() -> None:
    time = UnpaidTime(0.0)
    time.goes_on(passes=True, now=1.0)
    time.goes_on(passes=False, now=4.0)

    assert time.lasts(now=50.0) == 3.0


def test_pieces_pay_for_ten_times_what_the_store_would_need_and_never_in_advance() -> None:
    time = UnpaidTime(0.0)
    time.goes_on(passes=True, now=0.0)
    time.paid(0.5, now=8.0)
    assert time.lasts(now=8.0) == 3.0
    time.paid(60.0, now=9.0)
    assert time.lasts(now=10.0) == 1.0


def test_peers_that_give_again_are_believed_within_a_minute_of_what_they_owe() -> None:
    time = UnpaidTime(0.0)
    time.goes_on(passes=True, now=0.0)
    assert time.lasts(now=10_000.0) == 60.0


@EACH
def test_offers_are_waited_for_as_long_as_the_preference_says(preference: Preference, borne: int) -> None:
    assert first_draw(waiting(preference), until=60) == borne


@EACH
def test_half_of_the_others_are_believed_for_as_long(preference: Preference, borne: int) -> None:
    made = waiting(preference)
    made.receive(HostsLinked(31), now=0.0)
    assert first_draw(made, until=60) == borne


@EACH
def test_others_of_whom_most_are_not_there_are_believed_for_two_seconds(preference: Preference, borne: int) -> None:
    made = waiting(preference)
    made.receive(HostsLinked(30), now=0.0)
    assert borne > 3
    assert first_draw(made, until=60) == 3


@EACH
def test_after_a_wrong_piece_of_a_peer_nobody_is_believed_for_longer(preference: Preference, borne: int) -> None:
    made = waiting(preference)
    made.receive(HostsLinked(62), now=0.0)
    made.receive(PieceFoundCorrupt(0, 3, from_store=False), now=0.0)
    assert borne > 3
    assert first_draw(made, until=60) == 3


def test_bytes_of_which_no_piece_comes_pay_for_nothing() -> None:
    made = waiting()
    for half in range(42):
        made.receive(PeersGave(half * 10_000_000), now=half / 2)
        assert draws(made, now=half / 2) == []
    assert len(draws(made, now=21.0)) == 1


def test_pieces_of_peers_put_it_off() -> None:
    made = waiting()
    for half in range(100):
        made.receive(PiecesFinished(0, 1 << half), now=half / 2)
        assert draws(made, now=half / 2) == []


def test_once_it_stands_still_it_goes_on_until_peers_give_again() -> None:
    made = waiting()
    assert first_draw(waiting(), until=60) == 21
    for half in range(43):
        begun = draws(made, now=half / 2)
    for number in range(8):
        now = 21.0 + (number + 1) / 10
        (draw,) = begun
        end(made, draw, now=now)
        begun = draws(made, now=now)
        assert [each.reason for each in begun] == [Reason.STANDSTILL]


def test_draws_that_always_prove_needless_do_not_keep_it_from_drawing() -> None:
    """Two at a time: whenever one proves needless, the other has just begun."""
    made = planner(preference=EGRESS, without=ALONE)
    begun: list[Draw] = []
    for tenth in range(300):
        now = tenth / 10
        begun += draws(made, now=now)
        if any(draw.reason is Reason.STANDSTILL for draw in begun):
            break
        made.receive(DrawNeedless(begun.pop(0).number), now=now)
        assert begun
    assert 20 < now < 23


def test_a_range_that_the_store_denies_again_and_again_does_not_keep_others_from_being_drawn() -> None:
    made = waiting()
    made.receive(HostsLinked(0), now=0.0)
    for half in range(6):
        assert draws(made, now=half / 2) == []
    (denied,) = draws(made, now=3.0)
    made.receive(DrawFailed(denied.number, Failure.LASTING, "404"), now=3.0)
    (other,) = draws(made, now=3.5)
    assert (denied.reason, other.reason) == (Reason.STANDSTILL, Reason.STANDSTILL)
    assert denied.stop <= other.first


def test_a_store_of_which_a_stripe_takes_minutes_is_asked_after_one_minute() -> None:
    made = planner(preference=EGRESS, without=ALONE)
    (draw, *rest) = draws(made, now=0.0)
    for second in range(1, 200):
        made.receive(BytesDrawn(draw.number, second), now=float(second))
        for each in rest:
            made.receive(BytesDrawn(each.number, second), now=float(second))
        assert draws(made, now=float(second)) == []
    end(made, draw, now=200.0)
    for each in rest:
        end(made, each, now=200.0)
    made.receive(MembersChanged(OTHERS, ()), now=200.0)
    made.receive(PeersSeen(0, EVERYTHING), now=200.0)
    waited = next(half / 2 for half in range(200) if draws(made, now=200.0 + half / 2))
    assert waited == 60.0
