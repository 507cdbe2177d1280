"""Waiting for the events of a swarm."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.ports.swarm import PiecesPassed

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.pieces import Bits
    from dcdist.ports.swarm import Swarm


async def finished(swarm: Swarm, wanted: Bits) -> Bits:
    """Take events of a swarm with one layer until all wanted pieces have passed; returns all reported pieces."""
    passed: Bits = 0
    while passed & wanted != wanted:
        for event in await swarm.events():
            assert isinstance(event, PiecesPassed), event
            assert not passed & event.pieces, "reported twice"
            passed |= event.pieces
    return passed


async def until(condition: Callable[[], bool]) -> None:
    """Look again and again until a condition holds; the test's own time limit ends it."""
    while not condition():
        await asyncio.sleep(0.01)
