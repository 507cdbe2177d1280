"""The one loop that tries an operation again: pure rules say whether and when, this waits and reports.

Invariant: a failure is raised as it is, by the try that was the last.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from dcdist.errors import DcdistError, StoreThrottledError

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from dcdist.policy.requests.retry import Backoff

_Result = TypeVar("_Result")
_Error = TypeVar("_Error", bound=DcdistError)


async def retry(
    operation: Callable[[int], Awaitable[_Result]],
    rule: Callable[[_Error], Backoff],
    *,
    errors: type[_Error] | tuple[type[_Error], ...],
    rng: random.Random,
    failed: Callable[[_Error, int, float], None] | None = None,
    gave_up: Callable[[_Error, int, float], None] | None = None,
    count_answers: bool = True,
) -> _Result:
    """The result of `operation`, which is told the number of its try, from 1.

    Args:
        operation: What is tried.
        rule: How to go on after an error.
        errors: What `rule` knows about; all else is raised at once.
        rng: Spreads the waits.
        failed: Told of each failure before the wait: the error, the number of the try, the seconds until the next.
        gave_up: Told of the last failure before it is raised: the error, the number of tries, the seconds they took.
        count_answers: Whether the seconds that tries took count for the rule, besides the waits between them.
    """
    loop = asyncio.get_running_loop()
    begun, number, waited = loop.time(), 1, 0.0
    while True:
        try:
            return await operation(number)
        except errors as error:
            seconds = loop.time() - begun
            wish = error.retry_after if isinstance(error, StoreThrottledError) else None
            elapsed = seconds if count_answers else waited
            delay = rule(error).delay(number, elapsed=elapsed, rng=rng, retry_after=wish)
            if delay is None:
                if gave_up is not None:
                    gave_up(error, number, seconds)
                raise
            if failed is not None:
                failed(error, number, delay)
        await asyncio.sleep(delay)
        number, waited = number + 1, waited + delay
