"""Lets something that comes often pass once in a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

IN_A_LOG = 10.0
"""Seconds between two lines of progress in a log."""

FOR_PROGRAMS = 1.0
"""Seconds between two JSON records of progress."""


class Throttle:
    """Open at most once in `seconds`; at first after as long, or at once."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic, *, at_once: bool = False) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next = float("-inf") if at_once else clock() + seconds

    def passes(self) -> bool:
        """Whether it is time; if so, it is not again before `seconds` are over."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
