"""Flows share links as TCP flows do."""

from __future__ import annotations

import random

import pytest

from dcdist.sim.sharing import Flow, max_min


def test_flows_over_one_link_get_equal_parts() -> None:
    assert max_min([9.0, 100.0, 100.0, 100.0], [Flow(0, each, 50.0) for each in (1, 2, 3)]) == [3.0, 3.0, 3.0]


def test_what_one_flow_does_not_want_goes_to_the_others() -> None:
    assert max_min([9.0, 100.0, 100.0], [Flow(0, 1, 1.0), Flow(0, 2, 50.0)]) == [1.0, 8.0]


def test_what_a_slow_receiver_cannot_take_goes_to_the_others() -> None:
    assert max_min([9.0, 2.0, 100.0], [Flow(0, 1, 50.0), Flow(0, 2, 50.0)]) == [2.0, 7.0]


def test_a_flow_of_twice_the_weight_gets_twice_as_much() -> None:
    assert max_min([9.0, 100.0, 100.0], [Flow(0, 1, 50.0, 2.0), Flow(0, 2, 50.0, 1.0)]) == pytest.approx([6.0, 3.0])


def test_no_link_carries_more_than_it_can_and_no_flow_could_have_more_without_taking_it_from_a_smaller_one() -> None:
    rng = random.Random(5)
    for _ in range(30):
        count = rng.randint(2, 8)
        capacities = [rng.uniform(1, 10) for _ in range(2 * count)]
        flows = [
            Flow(rng.randrange(count), count + rng.randrange(count), rng.uniform(0.1, 8), rng.choice([1.0, 2.0]))
            for _ in range(rng.randint(1, 40))
        ]
        volumes = max_min(capacities, flows)
        for flow, volume in zip(flows, volumes, strict=True):
            assert 0 <= volume <= flow.demand + 1e-9
            if volume < flow.demand - 1e-9:
                assert any(_is_bottleneck(end, flow, volume, capacities, flows, volumes) for end in _ends(flow))
        for capacity, most in enumerate(capacities):
            assert _used(capacity, flows, volumes) <= most + 1e-9


def _ends(flow: Flow) -> tuple[int, int]:
    return flow.sender, flow.receiver


def _used(capacity: int, flows: list[Flow], volumes: list[float]) -> float:
    return sum(volume for flow, volume in zip(flows, volumes, strict=True) if capacity in _ends(flow))


def _is_bottleneck(
    capacity: int, flow: Flow, volume: float, capacities: list[float], flows: list[Flow], volumes: list[float]
) -> bool:
    """Whether a full link holds a flow back, on which nobody has more for its weight."""
    if _used(capacity, flows, volumes) < capacities[capacity] - 1e-6:
        return False
    level = volume / flow.weight
    users = [(each, had) for each, had in zip(flows, volumes, strict=True) if capacity in _ends(each)]
    return all(had / each.weight <= level + 1e-6 for each, had in users)
