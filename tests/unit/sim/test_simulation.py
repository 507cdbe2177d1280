"""The detailed simulation behaves as real hosts do where that is known, and is the same every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from dcdist.model.geometry import MIB, Geometry
from dcdist.policy.preference import EGRESS, TIME, Preference
from dcdist.policy.trace import replay
from dcdist.sim.scenario import HostSpec, Scenario, StoreSpec, SwarmSpec
from dcdist.sim.simulation import _Simulation, simulate

if TYPE_CHECKING:
    from dcdist.sim.outcome import Outcome

RATE = 4e6
SIZE = 48 * MIB
MET = 0.24
"""Seconds until a heartbeat is there and two listings are answered, 0.15 s apart: hosts begin to draw then."""


def scenario(*hosts: HostSpec, store: float = RATE, size: int = SIZE, preference: Preference = EGRESS) -> Scenario:
    return Scenario((Geometry.for_length(size),), hosts, StoreSpec(store), preference=preference, start_up=0.0)


def last(outcome: Outcome) -> float:
    return max(host.finished or float("inf") for host in outcome.hosts)


def test_one_host_alone_takes_what_its_link_carries() -> None:
    outcome = simulate(scenario(HostSpec(RATE, RATE), store=10 * RATE, preference=TIME))
    assert outcome.copies == pytest.approx(1.0)
    assert SIZE / RATE <= last(outcome) <= 1.1 * SIZE / RATE


def test_hosts_that_start_together_are_near_the_limit_with_about_one_copy() -> None:
    outcome = simulate(scenario(*[HostSpec(RATE, RATE)] * 6))
    assert SIZE / RATE <= last(outcome) <= 1.35 * SIZE / RATE
    assert 0.999 <= outcome.copies <= 1.1
    assert outcome.store.sent + sum(host.given for host in outcome.hosts) >= 6 * SIZE - 1


def test_a_less_efficient_swarm_takes_longer() -> None:
    hosts = [HostSpec(RATE, RATE)] * 4
    good = simulate(scenario(*hosts))
    bad = simulate(replace(scenario(*hosts), swarm=SwarmSpec(efficiency=0.7)))
    assert last(bad) > 1.15 * last(good)


def test_long_steps_do_not_leave_the_store_idle_before_each_answer() -> None:
    """Large fleets are simulated in steps that are longer than the store needs for a first byte."""
    cold = scenario(*[HostSpec(30e6, 30e6)] * 6, store=30e6, size=512 * MIB)
    assert last(simulate(replace(cold, epoch=0.25))) <= 1.06 * last(simulate(replace(cold, epoch=0.05)))


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    cold = scenario(*[HostSpec(RATE, RATE)] * 4, size=16 * MIB)
    runs = [simulate(each) for each in (cold, cold, replace(cold, seed=2))]
    assert runs[0] == runs[1]
    assert runs[0].samples != runs[2].samples


def test_a_run_does_not_depend_on_the_order_of_hashes() -> None:
    source = """
        from dcdist.model.geometry import MIB, Geometry
        from dcdist.sim.scenario import HostSpec, Scenario, StoreSpec
        from dcdist.sim.simulation import _Simulation, simulate
        print(simulate(Scenario((Geometry.for_length(16 * MIB),), (HostSpec(4e6, 4e6),) * 4, StoreSpec(4e6))))
    """
    runs = {
        subprocess.run(
            [sys.executable, "-c", dedent(source)],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert "Outcome" in runs.pop()


def test_a_host_that_vanishes_is_worked_around() -> None:
    hosts = [*[HostSpec(RATE, RATE)] * 3, HostSpec(RATE, RATE, ends=4.0)]
    outcome = simulate(scenario(*hosts))
    assert len(outcome.hosts) == 3
    assert last(outcome) < 3 * SIZE / RATE


def test_hosts_that_hold_the_other_layers_draw_only_what_is_new() -> None:
    layers = tuple(Geometry.for_length(16 * MIB) for _ in range(3))
    hosts = tuple(HostSpec(RATE, RATE, held=0b011) for _ in range(3))
    outcome = simulate(Scenario(layers, hosts, StoreSpec(RATE)))
    assert outcome.store.sent == pytest.approx(16 * MIB, rel=0.1)


def test_a_host_without_the_store_gets_all_from_peers() -> None:
    outcome = simulate(scenario(HostSpec(RATE, RATE), HostSpec(RATE, RATE, may_draw=False)))
    assert outcome.hosts[1].drawn == 0
    assert outcome.hosts[1].given >= SIZE


def test_a_store_that_takes_few_requests_at_once_is_not_asked_for_more_for_long() -> None:
    cold = scenario(*[HostSpec(RATE, RATE)] * 4)
    outcome = simulate(replace(cold, store=StoreSpec(RATE, most_requests=2)))
    assert outcome.store.throttled > 0
    assert all(host.finished for host in outcome.hosts)


def test_a_simulated_host_is_recorded_like_a_real_one() -> None:
    lines: list[str] = []
    simulate(scenario(*[HostSpec(RATE, RATE)] * 3, size=16 * MIB), traces={1: lines.append})
    steps = list(replay(lines))
    assert all(step.same for step in steps)
    assert any(step.given for step in steps)


def most_in_a_second(outcome: Outcome) -> float:
    """Bytes that the store sent in the second in which it sent most."""
    sent = [0.0, *(sent for _, sent, _ in outcome.samples)]
    return max(after - before for before, after in pairwise(sent))


@pytest.mark.parametrize("starts", [[0.0] * 6, [0.0, 0.0, 0.0, 7.0, 11.0, 11.0]])
def test_all_hosts_together_take_no_more_than_the_bound_on_the_fleet(starts: list[float]) -> None:
    hosts = [HostSpec(RATE, RATE, start) for start in starts]
    cap = RATE / 2
    outcome = simulate(replace(scenario(*hosts, store=10 * RATE, preference=TIME), fleet_store_rate=cap))
    assert most_in_a_second(outcome) <= 1.08 * cap
    assert outcome.store.sent <= cap * last(outcome)
    # It is used, too: what the fleet may take is the limit of this fetch.
    assert last(outcome) - MET <= 1.5 * SIZE / cap


def test_a_bound_on_the_fleet_holds_when_hosts_are_many() -> None:
    hosts = [HostSpec(RATE, RATE)] * 40
    cap = 2 * RATE
    outcome = simulate(replace(scenario(*hosts, store=40 * RATE, size=32 * MIB), fleet_store_rate=cap))
    assert most_in_a_second(outcome) <= 1.08 * cap
    assert all(host.finished for host in outcome.hosts)


def test_in_stream_order_the_front_comes_first_and_costs_few_copies() -> None:
    cold = scenario(*[HostSpec(RATE, RATE)] * 4, size=192 * MIB)
    usual, streamed = simulate(cold), simulate(replace(cold, stream=True))
    assert usual.front < 0.3
    assert streamed.front > 0.65
    assert streamed.copies <= 1.1
    assert last(streamed) <= 1.1 * last(usual)


def held_when_the_first_layer_is_whole(*, stream: bool) -> list[int]:
    """Bytes of each layer that a host has then; it takes three layers of 96 MiB from two hosts that hold them."""
    layers = tuple(Geometry.for_length(96 * MIB) for _ in range(3))
    seeder = HostSpec(RATE, RATE, held=0b111)
    taker = HostSpec(RATE, 2 * RATE, may_draw=False)
    lines: list[str] = []
    simulate(
        Scenario(layers, (seeder, seeder, taker), StoreSpec(RATE), stream=stream, start_up=0.0, longest=45.0),
        traces={2: lines.append},
    )
    have = [0, 0, 0]
    for event in (json.loads(line).get("event", {}) for line in lines):
        if event.get("is") == "PiecesFinished":
            came = event["pieces"]
            have[event["layer"]] |= int(came["hex"], 16) if isinstance(came, dict) else came
            if have[0].bit_count() == layers[0].piece_count:
                break
    return [bits.bit_count() * layers[0].piece_length for bits in have]


def test_a_host_that_streams_from_whole_ones_has_the_first_layer_long_before_the_last() -> None:
    first, second, third = held_when_the_first_layer_is_whole(stream=True)
    assert (first, third) == (96 * MIB, 0)
    assert second < 64 * MIB
    assert held_when_the_first_layer_is_whole(stream=False)[2] > 32 * MIB


def test_hosts_that_get_little_of_full_links_do_not_end_long_after_the_others() -> None:
    even = scenario(*[HostSpec(RATE / 4, RATE)] * 6, size=96 * MIB)
    pulls = (0.5, 0.7, 1.0, 1.0, 1.2, 1.4)
    uneven = replace(even, hosts=tuple(HostSpec(RATE / 4, RATE, peer_pull=pull) for pull in pulls))
    assert last(simulate(uneven)) <= 1.03 * last(simulate(even))


@pytest.mark.parametrize(("until", "seconds"), [(8.0, 3), (60.0, 1)])
def test_simulated_hosts_ask_ahead_as_real_ones_do(until: float, seconds: int) -> None:
    """A host without the store takes 26 s from two that hold everything: half a link from each."""
    seeder = HostSpec(RATE / 4, RATE, held=1)
    taker = HostSpec(RATE, RATE, may_draw=False)
    simulation = _Simulation(replace(scenario(seeder, seeder, taker), longest=until), None, {})
    simulation.run()
    host = simulation._hosts[2]
    assert host.seconds_ahead == seconds
    if until == 8.0:
        asked = [link.left for link in host.trader.links.values()]
        assert asked == pytest.approx([3 * RATE / 4] * 2, abs=2 * MIB)


def crowd(*, prefix_bits: int, store: float = 10 * RATE) -> Scenario:
    """Seventy-two hosts: too many for one prefix."""
    each = scenario(*[HostSpec(RATE, RATE)] * 72, store=store, size=24 * MIB)
    return replace(each, prefix_bits=prefix_bits, epoch=0.1)


def test_one_prefix_stands_for_all_hosts() -> None:
    every, one = simulate(crowd(prefix_bits=0)), simulate(crowd(prefix_bits=2))
    assert (len(every.hosts), len(one.hosts)) == (72, 18)
    assert last(one) == pytest.approx(last(every), rel=0.1)
    assert one.copies == pytest.approx(every.copies, rel=0.1)


@pytest.mark.parametrize("store", [RATE, 10 * RATE])
def test_no_piece_is_there_that_was_not_drawn_where_one_prefix_stands_for_all(store: float) -> None:
    outcome = simulate(crowd(prefix_bits=2, store=store))
    assert outcome.copies >= 0.999
    assert last(outcome) >= SIZE / 2 / store
