"""What others should have drawn, and what peers hold and do not bring: when is it drawn all the same?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.model import pieces
from dcdist.model.geometry import MIB, Geometry
from dcdist.policy.planner import Planner
from dcdist.policy.planner_events import (
    BytesDrawn,
    DrawFailed,
    DrawFinished,
    DrawNeedless,
    Failure,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersLack,
    PeersSeen,
    PiecesFinished,
    PrefixChanged,
)
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import EGRESS, TIME, Preference
from dcdist.policy.rules import Rule
from dcdist.policy.state.ownership import Ownership
from tests.support.planners import GEOMETRY, LAYER, draws, host, member, planner

if TYPE_CHECKING:
    from dcdist.policy.planner_commands import Draw

BYTES_ALONE = frozenset({Rule.STANDSTILL})
"""Without that rule, bytes of which no piece comes are not distrusted."""


@pytest.mark.parametrize(("preference", "patience"), [(TIME, 4.0), (EGRESS, 8.0)])
def test_stripes_of_another_prefix_are_drawn_when_nothing_comes_from_there(
    preference: Preference, patience: float
) -> None:
    made = planner(preference=preference)
    ownership = Ownership(LAYER, GEOMETRY.stripe_count, host(1))
    ownership.narrow(2)
    elsewhere = [stripe for stripe in range(GEOMETRY.stripe_count) if not ownership.covers(stripe)]
    made.receive(PrefixChanged(2), now=0.0)
    begin_and_end_all(made, now=0.0)
    assert draws(made, now=patience - 0.5) == []
    shown = GEOMETRY.stripe_pieces(elsewhere[0])
    made.receive(PeersSeen(0, pieces.span(shown.start, shown.stop)), now=2.0)
    made.receive(PiecesFinished(0, pieces.span(shown.start, shown.stop)), now=2.0)

    assert draws(made, now=2.0 + patience - 0.1) == []
    (first, *_) = draws(made, now=2.0 + patience + 5.0)
    assert first.first // GEOMETRY.pieces_per_stripe in elsewhere[1:]


def begin_and_end_all(made: Planner, *, now: float) -> list[Draw]:
    """Draw everything that the planner would draw now."""
    ended: list[Draw] = []
    while running := draws(made, now=now):
        ended += running
        for command in running:
            made.receive(DrawFinished(command.number), now=now)
            made.receive(PiecesFinished(0, pieces.span(command.first, command.stop)), now=now)
    return ended


@pytest.mark.parametrize("ending", [True, False])
def test_what_a_slow_owner_has_begun_is_drawn_by_others_at_the_end_only(ending: bool) -> None:
    """Members 3 and 4 show a stripe each half second, member 2 one a second."""
    ownership = Ownership(LAYER, GEOMETRY.stripe_count, host(1))
    for number in (2, 3, 4):
        ownership.join(host(number))
    lists = {number: list(ownership.round_of(host(number))) for number in (1, 2, 3, 4)}
    made = Planner(PlannerOptions(host=host(1), version="1", layers=(LAYER,), preference=EGRESS))
    made.receive(LayerOpened(0, GEOMETRY, bits_of(lists[1])), now=0.0)
    made.receive(MembersChanged((member(2), member(3), member(4)), ()), now=0.0)
    seen = 0
    for half in range(1, 13):
        shown = [lists[3].pop(0), lists[4].pop(0), *([lists[2].pop(0)] if half % 2 == 0 else [])]
        seen |= bits_of(shown)
        made.receive(PeersSeen(0, seen), now=half / 2)
    if ending:
        made.receive(PeersSeen(0, seen | bits_of(lists[3] + lists[4] + lists[2][2:])), now=6.0)

    helped = {draw.first // GEOMETRY.pieces_per_stripe for draw in begin_and_end_all(made, now=9.0)}
    assert bool(helped & set(lists[2][:2])) == ending


def bits_of(stripes: list[int]) -> int:
    return pieces.of(piece for stripe in stripes for piece in GEOMETRY.stripe_pieces(stripe))


def test_what_peers_hold_is_drawn_when_they_are_silent() -> None:
    made = planner(preference=EGRESS)
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=0.0)

    assert draws(made, now=2.9) == []
    assert len(draws(made, now=3.1)) == 2


def test_a_host_that_prefers_time_waits_a_third_as_long_for_silent_peers_but_for_what_they_were_asked_for() -> None:
    made = planner(preference=TIME)
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count), coming=pieces.span(0, 8)), now=0.0)
    made.receive(PeersGave(1), now=0.0)

    assert draws(made, now=0.9) == []
    assert [draw.first >= 8 for draw in draws(made, now=1.1)] == [True, True]


@pytest.mark.parametrize(("preference", "silence"), [(TIME, 0.3), (EGRESS, 3.0)])
def test_peers_that_offer_everything_and_have_given_nothing_are_believed_for_a_moment(
    preference: Preference, silence: float
) -> None:
    made = planner(preference=preference)
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=0.1)
    assert draws(made, now=silence) == []
    assert len(draws(made, now=silence + 0.15)) == 2


def test_peers_that_have_given_a_piece_are_believed_for_longer() -> None:
    made = planner(preference=TIME)
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=0.1)
    made.receive(PiecesFinished(0, 1), now=0.3)
    assert draws(made, now=1.2) == []
    assert len(draws(made, now=1.35)) == 2


@pytest.mark.parametrize(
    ("peer_bytes", "time_draws", "egress_draws"),
    [(150_000_000, 0, 0), (3_000_000, 1, 0), (300_000, 1, 1)],
    ids=["quick", "slow", "hopeless"],
)
def test_a_host_waits_for_slow_peers_as_long_as_it_prefers(peer_bytes: int, time_draws: int, egress_draws: int) -> None:
    counts = []
    for made in (planner(preference=TIME), planner(preference=EGRESS)):
        made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=0.0)
        made.receive(PeersGave(0), now=0.0)
        assert draws(made, now=0.0) == []
        for now in (1.0, 2.0, 3.0):
            made.receive(PeersGave(round(peer_bytes * now / 3)), now=now)
            assert now >= 2.0 or draws(made, now=now) == []
        counts.append(len(draws(made, now=3.0)))

    assert counts == [time_draws, egress_draws]


def test_a_host_that_has_drawn_nothing_tries_the_store_once_however_much_peers_have_to_bring() -> None:
    large = Geometry.for_length(4096 * MIB)
    made = Planner(PlannerOptions(host=host(1), version="1", layers=(LAYER,), preference=EGRESS))
    made.receive(LayerOpened(0, large, 0), now=0.0)
    made.receive(PeersSeen(0, pieces.span(0, large.piece_count)), now=0.0)
    tried = 0
    for half in range(80):  # they fill its link, and need minutes for all that is missing
        now = half / 2
        made.receive(PeersGave(10_000_000 * half), now=now)
        made.receive(PiecesFinished(0, pieces.span(0, 9 * half)), now=now)
        for draw in draws(made, now=now):
            tried += 1
            made.receive(BytesDrawn(draw.number, large.stripe_length), now=now + 0.1)
            made.receive(DrawFinished(draw.number), now=now + 0.1)

    assert tried == 1


def test_a_host_that_prefers_time_tries_the_store_beside_slow_peers_and_goes_on_if_it_brings_more() -> None:
    made = planner()
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=0.0)
    for now in (0.0, 1.0, 2.0):
        made.receive(PeersGave(round(100_000 * now)), now=now)
        tried = draws(made, now=now)
    assert len(tried) == 1
    made.receive(BytesDrawn(0, 0), now=2.0)
    made.receive(BytesDrawn(0, 1 << 19), now=2.1)
    made.receive(DrawFinished(0), now=2.2)
    assert draws(made, now=2.2) == []
    for now in (2.3, 3.3, 4.3, 5.3, 6.3):
        made.receive(PeersGave(round(100_000 * now)), now=now)

    assert len(draws(made, now=6.3)) == 2


def test_peers_that_take_over_a_full_link_from_the_store_leave_no_room_for_a_second_copy() -> None:
    made = planner(preference=EGRESS)
    begun = draws(made, now=0.0)
    for quarter in range(9):
        for draw in begun:
            made.receive(BytesDrawn(draw.number, quarter * MIB // 8), now=quarter / 4)
        made.receive(PeersGave(0), now=quarter / 4)
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=2.0)
    for draw in begun:
        made.receive(DrawFinished(draw.number), now=2.0)
        made.receive(PiecesFinished(0, pieces.span(draw.first, draw.stop)), now=2.0)

    for half in range(1, 40):
        made.receive(PeersGave(450_000 * half), now=2.0 + half / 2)
        assert draws(made, now=2.0 + half / 2) == []


def test_what_peers_are_bringing_is_not_drawn_as_well() -> None:
    made = planner(preference=EGRESS)
    everything = pieces.span(0, GEOMETRY.piece_count)
    made.receive(PeersSeen(0, everything, coming=pieces.span(0, 6)), now=0.0)
    made.receive(PeersGave(0), now=0.0)
    for second in range(1, 11):
        made.receive(PeersGave(6_000_000 * second), now=float(second))
    drawn: list[Draw] = []
    for second in range(11, 22):  # peers fall behind what the link has carried
        made.receive(PeersGave(30_000_000 + 3_000_000 * second), now=float(second))
        drawn += draws(made, now=float(second))

    assert [(draw.first, draw.stop) for draw in drawn] == [(8, 12), (12, 16)]


def test_what_silent_peers_were_asked_for_is_drawn_too() -> None:
    made = planner(preference=EGRESS)
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count), coming=pieces.span(0, 8)), now=0.0)

    assert [(draw.first, draw.stop) for draw in draws(made, now=3.1)] == [(0, 4), (4, 8)]


def test_when_the_link_is_idle_what_peers_are_slow_to_bring_is_drawn_one_stripe_at_a_time() -> None:
    made = planner(preference=EGRESS)
    everything = pieces.span(0, GEOMETRY.piece_count)
    made.receive(PeersSeen(0, everything, coming=everything), now=0.0)
    made.receive(PeersGave(0), now=0.0)
    for second in (1, 2, 3):
        made.receive(PeersGave(6_000_000 * second), now=float(second))
    made.receive(PeersGave(18_010_000), now=4.0)
    assert draws(made, now=4.0) == []
    made.receive(PeersGave(18_020_000), now=5.0)

    assert len(draws(made, now=5.0)) == 1
    assert draws(made, now=5.1) == []


def after_a_full_link(made: Planner, *, coming: int, rate: float) -> list[tuple[float, int]]:
    """Peers hold everything and give 6 MB/s for 10 s, then `rate`: when how many draws would begin, by half seconds."""
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count), coming=coming), now=0.0)
    found, total = [], 0.0
    for half in range(40):
        now = half / 2
        made.receive(PeersGave(round(total)), now=now)
        begun = draws(made, now=now)
        for draw in begun:
            made.receive(DrawNeedless(draw.number), now=now)
        if now > 10.0 and begun:
            found.append((now, len(begun)))
        total += (6e6 if now < 10.0 else rate) / 2
    return found


def test_a_link_that_is_half_idle_is_enough_for_a_host_that_prefers_time() -> None:
    everything = pieces.span(0, GEOMETRY.piece_count)
    assert after_a_full_link(planner(preference=EGRESS, without=BYTES_ALONE), coming=everything, rate=3e6) == []
    (first, count), *_ = after_a_full_link(planner(preference=TIME, without=BYTES_ALONE), coming=everything, rate=3e6)
    assert (first, count) == (11.5, 1)


def test_a_host_that_prefers_time_believes_sooner_that_there_is_room() -> None:
    sooner = after_a_full_link(planner(preference=TIME), coming=0, rate=2e6)
    later = after_a_full_link(planner(preference=EGRESS), coming=0, rate=2e6)
    begun = [next(now for now, count in each if count > 1) for each in (sooner, later)]
    assert begun[1] - begun[0] == 3.5


def test_a_full_link_is_left_to_peers_however_much_is_missing() -> None:
    large = Geometry.for_length(4096 * MIB)
    made = Planner(PlannerOptions(host=host(1), version="1", layers=(LAYER,), preference=EGRESS))
    made.receive(LayerOpened(0, large, 0), now=0.0)
    for draw in draws(made, now=0.0):
        made.receive(BytesDrawn(draw.number, large.stripe_length), now=4.0)
        made.receive(DrawFinished(draw.number), now=4.0)
        made.receive(PiecesFinished(0, pieces.span(draw.first, draw.stop)), now=4.0)
    made.receive(PeersSeen(0, pieces.span(0, large.piece_count)), now=4.0)

    for half in range(1, 40):
        made.receive(PeersGave(1_000_000 * half), now=4.0 + half / 2)
        assert draws(made, now=4.0 + half / 2) == []


def test_a_host_that_prefers_time_tries_the_store_less_and_less_often() -> None:
    made = planner(without=BYTES_ALONE)
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=0.0)
    tried = []
    for now in range(60):
        made.receive(PeersGave(100_000 * now), now=float(now))
        for command in draws(made, now=float(now)):
            tried.append(now)
            made.receive(DrawNeedless(command.number), now=float(now))

    assert tried == [2, 7, 17, 37]


@pytest.mark.parametrize(
    ("others", "time_draws", "egress_draws"),
    [(1.0, 2, 2), (1.3, 2, 1), (0.8, 6, 6), (0.05, 8, 8)],
    ids=["even", "ahead", "behind", "far behind"],
)
def test_hosts_that_are_ahead_leave_second_copies_to_those_that_are_behind(
    others: float, time_draws: int, egress_draws: int
) -> None:
    counts = []
    for made in (planner(preference=TIME), planner(preference=EGRESS)):
        made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=0.0)
        made.receive(PeersLack((round(GEOMETRY.length * others),) * 7), now=0.0)
        counts.append(len(draws(made, now=3.1)))

    assert counts == [time_draws, egress_draws]


def test_first_copies_are_drawn_whatever_others_lack() -> None:
    made = planner(preference=EGRESS)
    made.receive(PeersLack((10 * GEOMETRY.length,) * 7), now=0.0)

    assert len(draws(made, now=0.0)) == 2


def test_who_is_behind_does_not_ask_a_store_for_more_that_wants_fewer_requests() -> None:
    made = planner(preference=EGRESS)
    made.receive(PeersSeen(0, pieces.span(0, GEOMETRY.piece_count)), now=0.0)
    made.receive(PeersLack((GEOMETRY.length // 2,) * 7), now=0.0)
    first, *others = draws(made, now=3.1)
    made.receive(DrawFailed(first.number, Failure.THROTTLED, "503"), now=3.2)
    finish(made, others, now=3.2)

    (only,) = draws(made, now=4.0)
    finish(made, [only], now=4.5)
    (only,) = draws(made, now=23.1)
    finish(made, [only], now=23.1)
    assert len(draws(made, now=23.3)) > 2


def finish(made: Planner, drawn: list[Draw], *, now: float) -> None:
    for draw in drawn:
        made.receive(DrawFinished(draw.number), now=now)
        made.receive(PiecesFinished(0, pieces.span(draw.first, draw.stop)), now=now)
