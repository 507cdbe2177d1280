"""How do flows share links? Max-min fair by weight, as TCP flows about do: nobody gets more unless all get as much.

Each flow uses two capacities, its sender's and its receiver's, and wants no more than its demand. All volumes are bytes
within one epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes from one capacity through another, both by their numbers; `demand` > 0, `weight` > 0."""

    sender: int
    receiver: int
    demand: float
    weight: float = 1.0


def max_min(capacities: Sequence[float], flows: Sequence[Flow]) -> list[float]:
    """The volume of each flow, in O(n log n): the common level rises until a demand or a capacity stops a flow."""
    free = list(capacities)
    weights = [0.0] * len(free)
    users: dict[int, list[int]] = {}
    for number, flow in enumerate(flows):
        for capacity in (flow.sender, flow.receiver):
            weights[capacity] += flow.weight
            users.setdefault(capacity, []).append(number)
    waiting = {capacity: len(numbers) for capacity, numbers in users.items()}
    volumes = [-1.0] * len(flows)

    def settle(number: int, volume: float) -> None:
        volumes[number] = volume
        flow = flows[number]
        for capacity in (flow.sender, flow.receiver):
            free[capacity] = max(0.0, free[capacity] - volume)
            weights[capacity] -= flow.weight
            waiting[capacity] -= 1

    heap = [(free[capacity] / weights[capacity], capacity) for capacity in users]
    heapify(heap)
    by_demand = sorted(range(len(flows)), key=lambda number: flows[number].demand / flows[number].weight)
    for number in by_demand:
        if volumes[number] >= 0:
            continue
        level = flows[number].demand / flows[number].weight
        while heap and heap[0][0] < level and volumes[number] < 0:
            _, capacity = heappop(heap)
            if not waiting[capacity]:
                continue
            full_at = free[capacity] / weights[capacity] if weights[capacity] > 0 else 0.0
            if heap and full_at > heap[0][0]:
                # Flows that stopped below it left it more: others are full first.
                heappush(heap, (full_at, capacity))
                continue
            if full_at >= level:
                heappush(heap, (full_at, capacity))
                break
            for user in users[capacity]:
                if volumes[user] < 0:
                    settle(user, min(flows[user].demand, full_at * flows[user].weight))
        if volumes[number] < 0:
            settle(number, flows[number].demand)
    return volumes
