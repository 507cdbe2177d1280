"""Dials hosts again within a moment, where libtorrent would wait for a second or more.

A host that does not know this one yet hangs up, and lets it in from then on. libtorrent waits for whole seconds, by one
setting for all hosts. So that wait is lifted for a tick.
Invariant: no host has it lifted more than a few times, so one that always hangs up is not dialled often.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from dcdist.swarm.settings import TICK, reconnect_after

if TYPE_CHECKING:
    from collections.abc import Callable

    import libtorrent as lt

    from dcdist.model.identity import Address

_TIMES = 3
"""How often the wait is lifted for one host."""

_AFTER = 0.02
"""Seconds in which the other host, which has just refused this one, hears of it and lets it in."""

_FOR = TICK + 0.02
"""Seconds for which the wait is lifted: libtorrent dials once a tick."""


class QuickRedial:
    """`apply` gives settings to the session."""

    def __init__(self, apply: Callable[[lt.settings_pack], None]) -> None:
        self._apply = apply
        self._loop = asyncio.get_running_loop()
        self._times: Counter[Address] = Counter()
        self._hung_up: set[Address] = set()
        self._timer: asyncio.TimerHandle | None = None

    def hung_up(self, endpoint: Address) -> None:
        """A host that was dialled closed the connection before it said who it is."""
        if self._times[endpoint] < _TIMES:
            self._hung_up.add(endpoint)
            if self._timer is None:
                self._timer = self._loop.call_later(_AFTER, self._lift)

    def close(self) -> None:
        """Do nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _lift(self) -> None:
        self._times.update(self._hung_up)
        self._hung_up.clear()
        self._apply(reconnect_after(0))
        self._timer = self._loop.call_later(_FOR, self._restore)

    def _restore(self) -> None:
        self._timer = None
        self._apply(reconnect_after(1))
        for endpoint in self._hung_up:
            self.hung_up(endpoint)
