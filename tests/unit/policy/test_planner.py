"""What the planner decides: own stripes first, then help, then whatever nobody delivers."""

from __future__ import annotations

import pytest

from dcdist.model import pieces
from dcdist.model.geometry import MIB, Geometry
from dcdist.model.member import Role
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import Draw, Drop, GiveUp, Reason
from dcdist.policy.planner_events import (
    BytesDrawn,
    DrawFailed,
    DrawFinished,
    DrawNeedless,
    Failure,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersSeen,
    PiecesFinished,
)
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import EGRESS, TIME, Preference
from tests.support.planners import GEOMETRY, LAYER, ToySwarm, draws, host, member, planner


def test_a_host_alone_begins_with_single_stripes_from_the_front() -> None:
    assert draws(planner(), now=0.0) == [Draw(0, 0, 0, 4, Reason.OWN), Draw(1, 0, 4, 8, Reason.OWN)]


def test_a_draw_that_proves_needless_just_before_it_begins_is_not_made_again_while_peers_hold_it() -> None:
    made = planner()
    first, _ = draws(made, now=0.0)
    made.receive(PeersSeen(0, pieces.span(0, 3)), now=0.1)
    made.receive(DrawNeedless(first.number), now=0.1)
    assert draws(made, now=0.1) == [Draw(2, 0, 3, 4, Reason.OWN)]


def test_a_needless_draw_is_made_again_when_the_peers_are_gone() -> None:
    made = planner()
    first, _ = draws(made, now=0.0)
    made.receive(PeersSeen(0, pieces.span(0, 4)), now=0.1)
    made.receive(DrawNeedless(first.number), now=0.1)
    assert draws(made, now=0.1) == [Draw(2, 0, 8, 12, Reason.OWN)]
    made.receive(DrawNeedless(2), now=0.2)
    made.receive(PeersSeen(0, 0), now=0.2)
    assert draws(made, now=0.2) == [Draw(3, 0, 0, 4, Reason.OWN)]


def test_requests_of_a_fast_store_grow_and_stay_within_a_segment() -> None:
    geometry = Geometry.for_length(100 * MIB)
    made = Planner(PlannerOptions(host=host(1), version="1", layers=(LAYER,), in_order=True))
    made.receive(LayerOpened(0, geometry, 0), now=0.0)
    drawn: list[Draw] = []
    now = 0.0
    while len(drawn) < 1000:
        more = draws(made, now=now)
        if not more:
            break
        drawn += more
        for command in more:
            now += 0.01
            made.receive(DrawFinished(command.number), now=now)
            made.receive(PiecesFinished(0, pieces.span(command.first, command.stop)), now=now)
    lengths = [(command.stop - command.first) * geometry.piece_length for command in drawn]

    assert sum(lengths) == 100 * MIB
    assert lengths[0] == MIB
    assert max(lengths) == 16 * MIB
    per_segment = geometry.segment_length // geometry.piece_length
    assert all(command.first // per_segment == (command.stop - 1) // per_segment for command in drawn)


@pytest.mark.parametrize("preference", [TIME, EGRESS])
def test_nothing_is_drawn_before_a_look_shows_nobody_new(preference: Preference) -> None:
    made = planner(preference=preference, acquainted_from=1.0)
    made.receive(MembersChanged(tuple(member(number) for number in range(2, 5)), ()), now=0.1)
    assert draws(made, now=0.1) == []
    made.receive(MembersChanged((member(5),), ()), now=0.25)
    assert draws(made, now=0.25) == []
    assert made.deadline() == pytest.approx(0.6)
    made.receive(MembersChanged((), ()), now=0.4)
    assert len(draws(made, now=0.4)) == 2


def test_who_knows_the_others_before_the_second_is_over_draws_all_that_is_its_own() -> None:
    made = planner(preference=EGRESS, acquainted_from=1.0)
    made.receive(MembersChanged((member(2),), ()), now=0.0)
    made.receive(MembersChanged((), ()), now=0.15)
    assert len(draws(made, now=0.15)) == 2


@pytest.mark.parametrize("preference", [TIME, EGRESS])
def test_a_host_that_could_not_look_waits_for_the_others_for_a_second(preference: Preference) -> None:
    made = planner(preference=preference, acquainted_from=1.0)
    assert draws(made, now=0.0) == []
    assert made.deadline() == 1.0
    assert len(draws(made, now=1.0)) == 2


def test_a_host_whose_looks_always_show_somebody_new_draws_half_a_second_after_the_first() -> None:
    made = planner(preference=EGRESS, acquainted_from=1.0)
    for number in range(2, 5):
        made.receive(MembersChanged((member(number),), ()), now=0.1 * number)
    assert draws(made, now=0.69) == []
    assert len(draws(made, now=0.7)) == 2


def test_a_host_without_the_store_draws_nothing() -> None:
    assert draws(planner(may_draw=False), now=0.0) == []


def test_what_a_peer_holds_is_not_drawn_while_peers_give() -> None:
    made = planner()
    made.receive(PeersSeen(0, pieces.span(0, 8)), now=0.0)
    made.receive(PeersGave(1), now=0.0)

    assert draws(made, now=0.1) == [Draw(0, 0, 8, 12, Reason.OWN), Draw(1, 0, 12, 16, Reason.OWN)]


def test_requests_rise_while_they_bring_more() -> None:
    made = planner()
    running = draws(made, now=0.0)
    most = 0
    # Each request takes half a second, however many there are; stripes of one layer last for a few rounds.
    for step in range(1, 8):
        now = step * 0.5
        for command in running:
            made.receive(BytesDrawn(command.number, 1), now=now)
            made.receive(DrawFinished(command.number), now=now)
            made.receive(PiecesFinished(0, pieces.span(command.first, command.stop)), now=now)
            running = [each for each in running if each is not command] + draws(made, now=now)
        most = max(most, made.statistics(now=now).limit)

    assert most > 2


def test_a_layer_that_opens_late_has_its_own_time() -> None:
    made = Planner(PlannerOptions(host=host(1), version="1", layers=(LAYER,), in_order=True))
    made.receive(LayerOpened(0, GEOMETRY, 0), now=301.0)

    assert len(draws(made, now=301.0)) == 2


def test_a_slow_draw_is_progress() -> None:
    made = planner()
    first, second = draws(made, now=0.0)
    made.receive(DrawFailed(first.number, Failure.LASTING, "no such object"), now=0.0)
    for second_of_time in range(1, 60):
        made.receive(BytesDrawn(second.number, 1000 * second_of_time), now=float(second_of_time))

    assert not any(isinstance(command, GiveUp) for command in made.commands(now=60.0))


def test_listed_members_that_never_draw_cost_little() -> None:
    swarm = ToySwarm(64 * MIB)
    swarm.add(seconds=0.25, preference=TIME)
    swarm.idle = 3
    swarm.run(120.0)

    assert swarm.hosts[0].have == swarm.all
    assert (swarm.hosts[0].done_at or 999.0) < 20.0


def test_a_piece_is_never_in_two_draws() -> None:
    made = planner()
    seen: set[int] = set()
    for step in range(140):
        for command in draws(made, now=step * 0.1):
            for piece in range(command.first, command.stop):
                assert piece not in seen
                seen.add(piece)
            made.receive(DrawFinished(command.number), now=step * 0.1)

    assert seen == set(range(GEOMETRY.piece_count))


def test_a_failed_draw_is_asked_for_again_after_a_pause() -> None:
    made = planner()
    first = draws(made, now=0.0)[0]
    made.receive(DrawFailed(first.number, Failure.PASSING, "reset"), now=1.0)

    assert draws(made, now=1.1) == []
    again = draws(made, now=1.3)
    assert [(command.first, command.stop) for command in again] == [(first.first, first.stop)]


def test_a_store_that_breaks_off_after_whole_pieces_is_asked_again_at_once() -> None:
    made = planner()
    now = 0.0
    for _ in range(10):
        command = draws(made, now=now)[0]
        made.receive(BytesDrawn(command.number, GEOMETRY.piece_length + 1000), now=now)
        made.receive(PiecesFinished(0, 1 << command.first), now=now)
        made.receive(DrawFailed(command.number, Failure.PASSING, "short"), now=now)
        now += 0.3

    assert len(draws(made, now=now)) >= 1


def test_a_throttled_store_is_asked_less_and_later() -> None:
    made = planner()
    first, second = draws(made, now=0.0)
    made.receive(DrawFailed(first.number, Failure.THROTTLED, "slow down", retry_after=5.0), now=1.0)
    made.receive(DrawFinished(second.number), now=1.0)

    assert draws(made, now=5.9) == []
    assert len(draws(made, now=6.1)) == 1


def refused(made: Planner, *, most: int = 1000) -> tuple[int, float, str]:
    """A store that refuses all that is asked, at once: how often it did, until when, and the last word."""
    now, times = 0.0, 0
    while times < most:
        commands = made.commands(now=now)
        if not commands:
            now = made.deadline()
        for command in commands:
            if isinstance(command, GiveUp):
                return times, now, command.reason
            assert isinstance(command, Draw)
            made.receive(DrawFailed(command.number, Failure.THROTTLED, "slow down"), now=now)
            times += 1
    return times, now, ""


def test_40_refusals_in_a_row_are_sat_out() -> None:
    made = planner()
    times, now, reason = refused(made, most=40)

    assert (times, reason) == (40, "")
    made.commands(now=now)
    assert len(draws(made, now=made.deadline())) == 1


def test_a_store_that_only_refuses_is_given_up_after_a_quarter_of_an_hour() -> None:
    _, now, reason = refused(planner())

    assert (now, reason) == (900.0, "slow down")


def test_a_range_that_the_store_denies_is_left_alone_for_a_while() -> None:
    made = planner()
    first, _ = draws(made, now=0.0)
    made.receive(DrawFailed(first.number, Failure.LASTING, "no such object"), now=0.0)

    later = draws(made, now=5.1)
    assert all(command.first != first.first for command in later)


def test_a_draw_without_a_byte_for_seconds_is_dropped() -> None:
    made = planner()
    first, second = draws(made, now=0.0)
    made.receive(BytesDrawn(second.number, 1000), now=4.0)

    assert Drop(first.number) in made.commands(now=6.0)


def test_draws_that_stall_together_count_as_one_failure() -> None:
    made = planner()
    draws(made, now=0.0)
    dropped = [command for command in made.commands(now=6.0) if isinstance(command, Drop)]

    assert len(dropped) == 2
    assert draws(made, now=6.2) == []
    assert len(draws(made, now=6.3)) == 2


def test_a_fetch_without_any_progress_ends_with_the_reason() -> None:
    made = planner()
    first, second = draws(made, now=0.0)
    made.receive(DrawFailed(first.number, Failure.PASSING, "connection refused"), now=0.0)
    made.receive(DrawFailed(second.number, Failure.PASSING, "connection refused"), now=0.0)

    assert not any(isinstance(command, GiveUp) for command in made.commands(now=299.0))
    assert GiveUp("connection refused") in made.commands(now=300.0)


def test_a_whole_layer_asks_for_nothing_and_has_no_deadline() -> None:
    made = planner(have=pieces.span(0, GEOMETRY.piece_count))

    assert made.commands(now=1000.0) == []
    assert made.deadline() == float("inf")


def test_members_that_cannot_draw_or_need_nothing_own_nothing() -> None:
    made = planner()
    idle = member(2, Role.PEER)
    made.receive(MembersChanged((idle, member(3, Role.SEEDER)), ()), now=0.0)

    assert draws(made, now=0.0)[0] == Draw(0, 0, 0, 4, Reason.OWN)


def test_a_cold_release_leaves_the_store_about_once() -> None:
    swarm = ToySwarm(64 * MIB)
    for _ in range(8):
        swarm.add(seconds=0.5)
    swarm.run(60.0)

    assert all(each.have == swarm.all for each in swarm.hosts)
    assert swarm.copies() <= 1.05


def test_hosts_that_start_apart_still_draw_apart() -> None:
    swarm = ToySwarm(64 * MIB)
    for number in range(4):
        swarm.add(seconds=0.5, begun=0.4 * number)
    swarm.run(60.0)

    assert all(each.have == swarm.all for each in swarm.hosts)
    assert swarm.copies() <= 1.1


def test_a_dead_host_s_share_is_drawn_by_the_others() -> None:
    swarm = ToySwarm(64 * MIB)
    for _ in range(4):
        swarm.add(seconds=0.5)
    swarm.hosts[0].dead_at = 1.0
    swarm.run(60.0)

    assert all(each.have == swarm.all for each in swarm.hosts[1:])


def test_a_slow_host_does_not_hold_up_the_others() -> None:
    swarm = ToySwarm(64 * MIB)
    for number in range(4):
        swarm.add(seconds=8.0 if number == 0 else 0.5)
    swarm.run(120.0)

    assert all(each.have == swarm.all for each in swarm.hosts)
    fast = max(each.done_at or 999.0 for each in swarm.hosts[1:])
    assert fast < 40.0
    assert swarm.copies() <= 1.15


def test_a_host_without_the_store_gets_all_from_its_peers() -> None:
    swarm = ToySwarm(16 * MIB)
    swarm.add()
    swarm.add(may_draw=False)
    swarm.run(60.0)

    assert swarm.hosts[1].have == swarm.all
    assert swarm.hosts[1].drawn == []


def test_the_same_events_give_the_same_commands() -> None:
    runs = []
    for _ in range(2):
        swarm = ToySwarm(32 * MIB)
        for _ in range(4):
            swarm.add(seconds=0.3)
        swarm.run(60.0)
        runs.append([each.drawn for each in swarm.hosts])

    assert runs[0] == runs[1]


def test_a_small_fetch_draws_parts_of_stripes_and_two_hosts_different_ones_of_the_same() -> None:
    small = Geometry.for_length(8 * MIB)
    first = []
    for number in (1, 2):
        made = Planner(PlannerOptions(host=host(number), version="1", layers=(LAYER,)))
        made.receive(LayerOpened(0, small, pieces.span(4, small.piece_count)), now=0.0)
        first += [(command.first, command.stop) for command in draws(made, now=0.0)][:1]
        assert all(command.stop - command.first == 1 for command in draws(made, now=0.0))
    assert first[0] != first[1]
