"""The planner while all others do what is worst: beside a store that answers it never stands still.

Its inputs are the steps of `tests.support.hostile_steps`, which checks the bound after each.
"""

from __future__ import annotations

import random

from dcdist.policy.planner import Planner
from tests.fuzz.target import Target
from tests.support.hostile_steps import HEAD, play

_STEPS = 96
_ALL_KINDS = b"\xff\xff"


def run(data: bytes) -> None:
    """Take all steps."""
    play(data)


def seeds() -> list[bytes]:
    """Courses drawn by lot: of all kinds of steps, and of a few."""
    chance = random.Random(1)
    return [
        bytes([flags]) + (_ALL_KINDS if flags < 8 else chance.randbytes(2)) + chance.randbytes(2 * _STEPS)
        for flags in range(16)
    ]


TARGET = Target("planner", run, [Planner.receive, Planner.commands], seeds, max_length=HEAD + 2 * _STEPS)
