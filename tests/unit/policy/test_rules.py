"""Every rule that can be switched off decides something: without it, other commands are given somewhere."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest

from dcdist.model.geometry import MIB, Geometry
from dcdist.policy.preference import EGRESS, TIME
from dcdist.policy.rules import Rule
from dcdist.policy.trace import RecordedPlanner, replay
from dcdist.sim.scenario import HostSpec, Scenario, StoreSpec
from dcdist.sim.simulation import simulate
from tests.support.adversary import Claims, Gives, Offers, World

WORLDS = 60
NOT_OF_ONE_WORLD = {Rule.CLOSER_LOOK}


@cache
def recorded(seed: int) -> tuple[str, ...]:
    """The trace of a host in a world of its own, drawn by lot."""
    rng = random.Random(seed)
    claims = Claims(
        members=rng.choice([0, 3, 12]),
        changing=rng.choice([0, 1]),
        bits=rng.choice([0, 0, 2, 4]),
        offers=rng.choice(list(Offers)),
        gives=rng.choice(list(Gives)),
        coming=rng.random() < 0.5,
        lacking=rng.random() < 0.5,
        needless=rng.choice([0.0, 0.0, 0.5]),
    )
    lines: list[str] = []
    world = World(
        rng,
        rng.choice([TIME, EGRESS]),
        claims,
        latency=rng.choice([0.01, 0.3]),
        rate=rng.choice([1e6, 1e7]),
        crawling=0.1,
        stream=seed % 3 == 0,
        make=lambda options: RecordedPlanner(options, lines.append),
    )
    world.run(until=100.0)
    return tuple(lines)


def test_a_recorded_world_is_replayed_as_it_was_while_all_rules_are_on() -> None:
    assert all(step.same for seed in range(8) for step in replay(recorded(seed)))


@pytest.mark.parametrize("rule", sorted(set(Rule) - NOT_OF_ONE_WORLD))
def test_without_a_rule_other_commands_are_given(rule: Rule) -> None:
    without = frozenset({rule})
    assert any(not step.same for seed in range(WORLDS) for step in replay(recorded(seed), without))


def test_without_the_closer_look_more_is_drawn_twice() -> None:
    hosts = tuple(HostSpec(1e6, 4e6) for _ in range(6))
    scenario = Scenario((Geometry.for_length(48 * MIB),), hosts, StoreSpec(16e6), preference=TIME, start_up=0.0)
    without = replace(scenario, without=frozenset({Rule.CLOSER_LOOK}))
    assert simulate(without).copies > simulate(scenario).copies
