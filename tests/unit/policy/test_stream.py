"""Stream order: what the sink needs next comes first, the rest as ever."""

from __future__ import annotations

from dcdist.model import pieces
from dcdist.model.geometry import GIB, MIB, Geometry
from dcdist.model.identity import LayerName
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import AskFirst, Draw
from dcdist.policy.planner_events import (
    DrawFinished,
    Event,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersSeen,
    PiecesFinished,
)
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import EGRESS, Preference
from dcdist.policy.reasons.stream import StreamWindow
from dcdist.policy.state.layer_state import LayerState
from tests.support.planners import LAYER, draws, host, member

NAMES = (LAYER, LayerName("b" * 32), LayerName("c" * 32))
GEOMETRY = Geometry.for_length(256 * MIB)
"""Pieces of 256 KiB, stripes of 1 MiB."""

WINDOW = pieces.span(0, 256)
"""The pieces of the first 64 MiB."""


def states(*geometries: Geometry) -> dict[int, LayerState]:
    return {number: LayerState(NAMES[number], geometry, host(1), 0) for number, geometry in enumerate(geometries)}


def moved(streaming: StreamWindow, over: dict[int, LayerState], *, rate: float = 0.0) -> list[AskFirst]:
    return streaming.moved(over, rate=rate, peer_rate=rate)


def streaming_planner(*events: Event, layers: int = 1, preference: Preference = EGRESS, stream: bool = True) -> Planner:
    made = Planner(
        PlannerOptions(host=host(1), version="1", layers=NAMES[:layers], preference=preference, stream=stream)
    )
    for event in events:
        made.receive(event, now=0.0)
    return made


def asked_first(made: Planner, *, now: float) -> list[AskFirst]:
    return [command for command in made.commands(now=now) if isinstance(command, AskFirst)]


def test_the_window_begins_with_the_first_missing_stripe_and_has_64_mib() -> None:
    (state,) = states(GEOMETRY).values()
    state.have = pieces.span(0, 41) | pieces.span(60, 70)
    assert moved(StreamWindow(), {0: state}) == [AskFirst(0, pieces.span(40, 40 + 256))]
    assert state.window == range(10, 74)


def test_the_window_holds_ten_seconds_of_a_fast_host_and_never_shrinks() -> None:
    streaming, over = StreamWindow(), states(GEOMETRY)
    moved(streaming, over, rate=10e6)
    assert over[0].window == range(96)
    moved(streaming, over, rate=1e6)
    assert over[0].window == range(96)


def test_the_window_runs_over_the_layers_in_their_order() -> None:
    over = states(*[Geometry.for_length(40 * MIB)] * 3)
    assert moved(StreamWindow(), over) == [AskFirst(0, pieces.span(0, 160)), AskFirst(1, pieces.span(0, 96))]
    over[0].have = pieces.span(0, 160)
    streaming = StreamWindow()
    assert moved(streaming, over) == [AskFirst(1, pieces.span(0, 160)), AskFirst(2, pieces.span(0, 96))]
    assert [state.window for state in over.values()] == [range(0), range(40), range(24)]


def test_only_changes_are_told() -> None:
    streaming, over = StreamWindow(), states(GEOMETRY)
    assert len(moved(streaming, over)) == 1
    over[0].have = pieces.span(0, 3)
    assert moved(streaming, over) == []
    over[0].have = pieces.span(0, 4)
    assert moved(streaming, over) == [AskFirst(0, pieces.span(4, 260))]


def test_a_layer_beyond_the_window_waits_while_peers_have_enough_to_give_of_those_before_it() -> None:
    streaming, over = StreamWindow(), states(GEOMETRY, GEOMETRY)
    over[0].seen = pieces.span(0, 63)
    assert moved(streaming, over) == [AskFirst(0, WINDOW)]
    over[0].seen = pieces.span(0, 64)
    assert moved(streaming, over) == [AskFirst(1, 0, others=False)]
    # Four seconds of what peers give are more than 16 MiB by now.
    assert moved(streaming, over, rate=5 * MIB) == [AskFirst(1, 0)]


def test_a_host_without_that_order_tells_nothing() -> None:
    made = streaming_planner(LayerOpened(0, GEOMETRY, 0), stream=False)
    assert asked_first(made, now=0.0) == []


def test_a_host_that_may_not_use_the_store_asks_peers_in_order_too() -> None:
    made = Planner(PlannerOptions(host=host(1), version="1", layers=(LAYER,), may_draw=False, stream=True))
    made.receive(LayerOpened(0, GEOMETRY, 0), now=0.0)
    assert made.commands(now=0.0) == [AskFirst(0, WINDOW)]


def test_layers_come_in_their_order_whichever_opened_first() -> None:
    made = streaming_planner(LayerOpened(1, GEOMETRY, 0), LayerOpened(0, GEOMETRY, 0), layers=2)
    first, *others = made.commands(now=0.0)
    assert first == AskFirst(0, WINDOW)
    assert [command.layer for command in others if isinstance(command, Draw)] == [0, 0]


def test_an_owner_draws_its_stripes_of_the_window_from_the_front_and_then_its_round() -> None:
    made = streaming_planner(LayerOpened(0, GEOMETRY, 0), MembersChanged((member(2), member(3)), ()))
    state = LayerState(LAYER, GEOMETRY, host(1), 0)
    for number in (2, 3):
        state.ownership.join(host(number))
    own = list(state.ownership.round_of(host(1)))
    in_window = sorted(stripe for stripe in own if stripe < 64)
    assert 10 <= len(in_window) <= 33

    drawn: list[int] = []
    while len(drawn) < len(in_window):
        for command in draws(made, now=0.1):
            drawn += range(command.first // 4, command.stop // 4)
            made.receive(DrawFinished(command.number), now=0.1)
    assert drawn[: len(in_window)] == in_window


def test_hosts_of_either_order_agree_on_whose_turn_it_is() -> None:
    one, other = LayerState(LAYER, GEOMETRY, host(1), 0), LayerState(LAYER, GEOMETRY, host(2), 0)
    one.ownership.join(host(2))
    other.ownership.join(host(1))
    one.move_window(range(64))
    assert [one.ownership.owner(stripe) for stripe in range(256)] == [
        other.ownership.owner(stripe) for stripe in range(256)
    ]
    assert sorted(one.round_of(host(2))) == sorted(other.round_of(host(2)))


def window_without_own(*, now: float) -> Planner:
    """One of two hosts that has drawn its part of the window; of the other's nothing was seen for so long."""
    made = streaming_planner(LayerOpened(0, GEOMETRY, 0), MembersChanged((member(2),), ()))
    state = LayerState(LAYER, GEOMETRY, host(1), 0)
    state.ownership.join(host(2))
    own = [stripe for stripe in range(64) if state.ownership.owner(stripe) == host(1)]
    had = pieces.of(piece for stripe in own for piece in range(4 * stripe, 4 * stripe + 4))
    made.receive(PiecesFinished(0, had), now=now)
    made.receive(PeersGave(0), now=now)
    return made


def test_what_peers_hold_of_the_window_is_left_to_them() -> None:
    made = window_without_own(now=0.5)
    made.receive(PeersSeen(0, WINDOW), now=0.5)
    assert all(command.first >= 256 for command in draws(made, now=0.5))


def test_the_window_of_a_large_layer_is_cut_by_its_own_stripes() -> None:
    (state,) = states(Geometry.for_length(4 * GIB)).values()
    assert moved(StreamWindow(), {0: state}) == [AskFirst(0, pieces.span(0, 64))]
