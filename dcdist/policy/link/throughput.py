"""How fast is a source? A mean over the last seconds, weighted to the latest."""

from __future__ import annotations

import math


class Throughput:
    """Bytes a second of a counter that only rises. `memory` (seconds) is how long a change takes to show by 63 %."""

    def __init__(self, *, memory: float = 2.0, from_nothing: bool = False) -> None:
        """`from_nothing`: the rate before the first count was 0, and a burst at the beginning is only a burst."""
        self._memory = memory
        self._weight = 1.0 if from_nothing else 0.0
        self._total = 0
        self._since: float | None = None
        self._rate = 0.0

    @property
    def total(self) -> int:
        """Bytes so far."""
        return self._total

    def count(self, total: int, *, now: float) -> None:
        """The counter stands at `total`."""
        if self._since is None:
            self._since = now
            self._total = total
            return
        elapsed = now - self._since
        if elapsed < 0.05:
            # Rates over shorter times are noise; the bytes are counted with the next report.
            return
        keep = math.exp(-elapsed / self._memory)
        self._rate = self._rate * keep + (total - self._total) / elapsed * (1 - keep)
        self._weight = self._weight * keep + (1 - keep)
        self._total = total
        self._since = now

    def rate(self, *, now: float) -> float:
        """Bytes a second; silence since the last count lowers it."""
        if self._since is None or self._weight == 0:
            return 0.0
        silence = max(0.0, now - self._since - 0.5)
        return self._rate / self._weight * math.exp(-silence / self._memory)
