"""When to try again: waits that grow, spread by chance, and end. Pure: elapsed time and chance are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from dcdist.errors import DcdistError


@dataclass(frozen=True, slots=True)
class Backoff:
    """The rule for one operation: at most `tries` tries, begun within `total` seconds.

    The wait after try n is drawn evenly from 0 to `first` * 2 ** (n - 1), at most `longest` (seconds): hosts that
    failed together do not come back together.
    """

    tries: int = 12
    first: float = 0.5
    longest: float = 15.0
    total: float = 120.0

    def delay(
        self, attempt: int, *, elapsed: float, rng: random.Random, retry_after: float | None = None
    ) -> float | None:
        """Seconds to wait after failed try number `attempt` (from 1), or None to give up.

        `elapsed` is the seconds since the first try began. With `retry_after` (seconds) the wait is never shorter.
        """
        if attempt >= self.tries:
            return None
        # The exponent is bounded so that a rule with very many tries does not overflow.
        longest = min(self.longest, self.first * 2.0 ** min(attempt - 1, 60))
        delay = (retry_after or 0.0) + rng.uniform(0.0, longest)
        return delay if elapsed + delay <= self.total else None


NEVER = Backoff(tries=1)
"""One try and no other."""


def if_retryable(backoff: Backoff) -> Callable[[DcdistError], Backoff]:
    """The rule that tries again after retryable errors, as `backoff` says, and after no others."""
    return lambda error: backoff if error.retryable else NEVER
