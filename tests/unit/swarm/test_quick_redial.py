"""A host that hangs up is dialled again within a moment, and not often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.swarm.quick_redial import QuickRedial
from tests.support import virtual_time

if TYPE_CHECKING:
    import libtorrent as lt

HOST, OTHER = ("10.0.0.1", 6881), ("10.0.0.2", 6881)


class Session:
    """Notes when the wait between two dials was lifted, and for how long."""

    def __init__(self) -> None:
        self._clock = asyncio.get_running_loop().time
        self.lifted: list[tuple[float, float]] = []
        self._since = 0.0

    def apply(self, settings: lt.settings_pack) -> None:
        """Take a setting."""
        if settings == {"min_reconnect_time": 0, "tick_interval": -100}:
            self._since = self._clock()
        else:
            assert settings == {"min_reconnect_time": 1, "tick_interval": 100}
            self.lifted.append((round(self._since, 3), round(self._clock(), 3)))


def test_one_that_hangs_up_once_is_dialled_at_the_next_tick() -> None:
    async def main() -> None:
        session = Session()
        redial = QuickRedial(session.apply)
        redial.hung_up(HOST)
        redial.hung_up(HOST)
        await asyncio.sleep(10)
        assert session.lifted == [(0.02, 0.14)]

    virtual_time.run(main())


def test_one_that_always_hangs_up_is_dialled_quickly_three_times_only() -> None:
    async def main() -> None:
        session = Session()
        redial = QuickRedial(session.apply)
        for _ in range(100):
            redial.hung_up(HOST)
            await asyncio.sleep(0.1)
        assert len(session.lifted) == 3
        redial.hung_up(OTHER)
        await asyncio.sleep(10)
        assert len(session.lifted) == 4

    virtual_time.run(main())


def test_once_something_came_of_a_dial_the_wait_is_there_again() -> None:
    async def main() -> None:
        session = Session()
        redial = QuickRedial(session.apply)
        redial.dialled()
        redial.hung_up(HOST)
        redial.dialled()
        await asyncio.sleep(0.07)
        redial.hung_up(HOST)
        redial.dialled()
        await asyncio.sleep(10)
        assert session.lifted == [(0.02, 0.07), (0.09, 0.21)]

    virtual_time.run(main())


def test_after_the_end_nothing_is_set() -> None:
    async def main() -> None:
        session = Session()
        redial = QuickRedial(session.apply)
        redial.hung_up(HOST)
        redial.close()
        await asyncio.sleep(10)
        assert session.lifted == []

    virtual_time.run(main())
