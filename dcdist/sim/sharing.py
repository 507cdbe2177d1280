"""How do flows share links? Max-min fair by weight, as TCP flows about do: nobody gets more unless all get as much.

Each flow uses two capacities, its sender's and its receiver's, and wants no more than its demand. All volumes are bytes
within one epoch.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Flow(NamedTuple):
    """Bytes from one capacity through another, both by their numbers; `demand` > 0, `weight` > 0.

    A tuple, since a large fleet makes millions.
    """

    sender: int
    receiver: int
    demand: float
    weight: float = 1.0


def max_min(capacities: Sequence[float], flows: Sequence[Flow]) -> list[float]:
    """The volume of each flow, in O(n log n): the common level rises until a demand or a capacity stops a flow."""
    free = list(capacities)
    weights = [0.0] * len(free)
    waiting = [0] * len(free)
    users: list[list[int]] = [[] for _ in free]
    levels = []
    for number, (sender, receiver, demand, weight) in enumerate(flows):
        weights[sender] += weight
        weights[receiver] += weight
        waiting[sender] += 1
        waiting[receiver] += 1
        users[sender].append(number)
        users[receiver].append(number)
        levels.append(demand / weight)
    volumes = [-1.0] * len(flows)

    def settle(number: int, volume: float) -> None:
        sender, receiver, _, weight = flows[number]
        volumes[number] = volume
        left = free[sender] - volume
        free[sender] = left if left > 0 else 0.0
        weights[sender] -= weight
        waiting[sender] -= 1
        left = free[receiver] - volume
        free[receiver] = left if left > 0 else 0.0
        weights[receiver] -= weight
        waiting[receiver] -= 1

    heap = [(free[capacity] / weights[capacity], capacity) for capacity, count in enumerate(waiting) if count]
    heapify(heap)
    for number in sorted(range(len(flows)), key=levels.__getitem__):
        level = levels[number]
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
                    _, _, demand, weight = flows[user]
                    settle(user, min(demand, full_at * weight))
        if volumes[number] < 0:
            settle(number, flows[number].demand)
    return volumes
