"""Dials hosts again within a moment, where libtorrent would wait for a second or more.

A host that does not know this one yet hangs up, and lets it in from then on. libtorrent dials once a second, and waits
for whole seconds, by settings for all hosts. So both are lifted until it has dialled.
Invariant: no host has it lifted more than a few times, so one that always hangs up is not dialled often.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from dcdist.swarm.settings import TICK, dialling

if TYPE_CHECKING:
    from collections.abc import Callable

    import libtorrent as lt

    from dcdist.model.identity import Address

_TIMES = 3
"""How often the wait is lifted for one host."""

_AFTER = 0.02
"""Seconds in which the other host, which has just refused this one, hears of it and lets it in."""

_LONGEST = TICK + 0.02
"""Seconds after which the wait is there again, if nothing is heard of a dial: libtorrent dials at its next tick."""


class QuickRedial:
    """`apply` gives settings to the session."""

    def __init__(self, apply: Callable[[lt.settings_pack], None]) -> None:
        self._apply = apply
        self._loop = asyncio.get_running_loop()
        self._times: Counter[Address] = Counter()
        self._hung_up: set[Address] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._is_lifted = False

    def hung_up(self, endpoint: Address) -> None:
        """A host that was dialled closed the connection before it said who it is."""
        if self._times[endpoint] < _TIMES:
            self._hung_up.add(endpoint)
            if self._timer is None:
                self._timer = self._loop.call_later(_AFTER, self._lift)

    def dialled(self) -> None:
        """Something came of a dial: the hosts were dialled, all at once, and should not be again at the next tick."""
        if self._is_lifted and self._timer is not None:
            self._timer.cancel()
            self._restore()

    def close(self) -> None:
        """Do nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _lift(self) -> None:
        self._times.update(self._hung_up)
        self._hung_up.clear()
        self._is_lifted = True
        self._apply(dialling(hasty=True))
        self._timer = self._loop.call_later(_LONGEST, self._restore)

    def _restore(self) -> None:
        self._timer, self._is_lifted = None, False
        self._apply(dialling(hasty=False))
        for endpoint in self._hung_up:
            self.hung_up(endpoint)
