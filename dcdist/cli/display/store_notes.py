"""Failures of the store that are retried, as notes on standard error: for commands whose output is their result.

Invariant: standard output gets none of it, so that `--json` stays what it is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dcdist.cli.display.output import warn
from dcdist.cli.display.throttle import IN_A_LOG, Throttle
from dcdist.cli.display.words import line
from dcdist.engine.fetch_events import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.engine.fetch_events import Troubled


class StoreNotes:
    """The same lines as a fetch prints; of requests that fail again and again, one in ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = Throttle(IN_A_LOG, clock, at_once=True)

    def report(self, event: Troubled) -> None:
        """Something failed and is tried again, or the store lacks something."""
        if event.kind is not Trouble.STORE or self._throttle.passes():
            warn(line(event))
