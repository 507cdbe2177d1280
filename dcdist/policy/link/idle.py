"""Is this host's link all but idle, though something is missing? Then what peers were left to bring is drawn at once.

It happens at the end: the last pieces wait for one slow uplink, and the store has nothing to do. A copy then costs
little, since little is missing, and nothing is pushed out. The quick look at rates that this takes would be wrong for
anything that costs more: for that there is `Room`.
"""

from __future__ import annotations

import math

from dcdist.policy.link.throughput import Throughput


class Idle:
    """Follows the bytes that a host takes from all sources together."""

    def __init__(self, settle: float, share: float) -> None:
        """`settle`: seconds that a link must be idle before it is believed; `share`: of the best rate, below it is."""
        self._settle = settle
        self._share = share
        self._rate = Throughput(memory=0.5)
        self._since: float | None = None

    def observed(self, total: int, *, best: float, now: float) -> None:
        """`total` bytes came so far; the link has carried `best` bytes a second."""
        self._rate.count(total, now=now)
        if self._rate.rate(now=now) >= self._share * best:
            self._since = None
        elif self._since is None:
            self._since = now

    def lasts(self, *, now: float) -> bool:
        """Whether the link has been idle for long enough."""
        return self.lasted(now=now) >= 0

    def lasted(self, *, now: float) -> float:
        """Seconds for which it has been idle for long enough; negative if it has not."""
        return -math.inf if self._since is None else now - self._since - self._settle
