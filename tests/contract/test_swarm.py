"""The swarm's suite, on each adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.disk.solitary import Solitary
from dcdist.swarm import open_swarm
from tests.contract.swarm_suite import SwarmSuite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dcdist.ports.swarm import Swarm


class TestTorrentSwarm(SwarmSuite):
    @pytest.fixture
    async def swarm(self) -> AsyncIterator[Swarm]:
        async with open_swarm() as swarm:
            yield swarm


class TestSolitary(SwarmSuite):
    @pytest.fixture
    async def swarm(self) -> AsyncIterator[Swarm]:
        async with Solitary() as swarm:
            yield swarm
