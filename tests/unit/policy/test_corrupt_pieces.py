"""What the planner does about wrong pieces: the store is asked again for a while, liars are not waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.policy.planner_commands import Draw, GiveUp, Reason
from dcdist.policy.planner_events import (
    BytesDrawn,
    DrawFailed,
    DrawFinished,
    Failure,
    PeersGave,
    PeersSeen,
    PieceFoundCorrupt,
    PiecesFinished,
)
from dcdist.policy.preference import EGRESS, TIME, Preference
from tests.support.planners import GEOMETRY, draws, planner

if TYPE_CHECKING:
    from dcdist.policy.planner import Planner

ALL = pieces.span(0, GEOMETRY.piece_count)


def lacking(lacks: int, *, preference: Preference = TIME) -> Planner:
    """A planner that lacks the first pieces."""
    return planner(have=ALL & ~pieces.span(0, lacks), preference=preference)


def spoil(made: Planner, command: Draw, *, now: float) -> None:
    """The store gives what was asked for, and it is wrong."""
    made.receive(DrawFinished(command.number), now=now)
    for piece in range(command.first, command.stop):
        made.receive(PieceFoundCorrupt(0, piece, from_store=True), now=now)


def test_a_piece_that_the_store_gives_wrong_is_asked_for_again_at_growing_pauses_for_as_long_as_a_denied_one() -> None:
    made = lacking(1)
    asked = []
    now = 0.0
    while now < 30.0:
        for command in draws(made, now=now):
            asked.append(now)
            spoil(made, command, now=now)
        now += 0.5

    assert asked == [0.0, 0.5, 1.5, 4.5, 10.5, 20.5]


def without_hope() -> tuple[Planner, Draw]:
    """A planner of which the store gave four pieces wrong until there is no hope, and a draw that still runs."""
    made = lacking(8)
    first, second = draws(made, now=0.0)
    spoil(made, first, now=0.0)
    for now in (0.5, 1.5, 4.5, 10.5, 20.5):
        for tick in range(4):
            made.receive(BytesDrawn(second.number, round(100 * now) + tick), now=max(0.0, now - 5.0 + tick))
        (command,) = draws(made, now=now)
        spoil(made, command, now=now)
    return made, second


def test_a_store_that_gives_a_piece_wrong_for_good_ends_the_fetch_with_its_name_although_other_draws_go_well() -> None:
    made, second = without_hope()
    made.receive(DrawFinished(second.number), now=21.0)
    made.receive(PiecesFinished(0, pieces.span(4, 8)), now=21.0)

    assert draws(made, now=40.9) == []
    (gave_up,) = made.commands(now=41.0)
    assert isinstance(gave_up, GiveUp)
    assert "the store's bytes of piece 3" in gave_up.reason


def test_a_later_failure_does_not_hide_that_there_is_no_hope() -> None:
    made, second = without_hope()
    made.receive(DrawFailed(second.number, Failure.PASSING, "connection refused"), now=20.6)

    (gave_up,) = (each for each in made.commands(now=41.0) if isinstance(each, GiveUp))
    assert "the store's bytes of piece 3" in gave_up.reason


def test_a_piece_that_the_store_never_gives_right_still_comes_from_peers() -> None:
    made = lacking(1)
    for now in (0.0, 0.5, 1.5, 4.5, 10.5, 20.5):
        for command in draws(made, now=now):
            spoil(made, command, now=now)
    made.receive(PiecesFinished(0, 1), now=30.0)

    assert made.commands(now=60.0) == []


def test_a_piece_that_peers_give_wrong_twice_is_drawn_at_once_whatever_they_hold_and_bring() -> None:
    made = lacking(4, preference=EGRESS)
    made.receive(PeersSeen(0, ALL), now=0.0)
    made.receive(PeersGave(1), now=0.1)
    made.receive(PieceFoundCorrupt(0, 2, from_store=False), now=0.2)
    assert draws(made, now=0.2) == []
    made.receive(PeersGave(2), now=0.3)
    made.receive(PieceFoundCorrupt(0, 2, from_store=False), now=0.4)

    assert draws(made, now=0.4) == [Draw(0, 0, 2, 3, Reason.CORRUPT)]


def test_a_piece_that_peers_give_wrong_while_it_comes_from_the_store_is_not_drawn_twice() -> None:
    made = lacking(4, preference=EGRESS)
    (running,) = draws(made, now=0.0)
    for now in (0.1, 0.2, 0.3):
        made.receive(PieceFoundCorrupt(0, 2, from_store=False), now=now)
        assert draws(made, now=now) == []
    made.receive(DrawFinished(running.number), now=0.4)
    made.receive(PiecesFinished(0, pieces.span(0, 4)), now=0.4)

    assert made.commands(now=0.5) == []


def test_peers_that_come_and_go_and_bring_nothing_are_silent_like_those_that_stay() -> None:
    made = lacking(4, preference=EGRESS)
    for step in range(6):
        now = step * 0.5
        made.receive(PeersSeen(0, ALL), now=now)
        assert draws(made, now=now) == []
        made.receive(PeersSeen(0, 0), now=now + 0.4)
    made.receive(PeersSeen(0, ALL), now=3.0)

    assert draws(made, now=3.0) == [Draw(0, 0, 0, 4, Reason.SILENT_PEERS)]
