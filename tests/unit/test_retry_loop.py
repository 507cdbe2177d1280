"""What is tried again, how long is waited, and who is told."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import (
    DcdistError,
    FormatError,
    ObjectMissingError,
    StoreError,
    StoreThrottledError,
    StoreUnavailableError,
)
from dcdist.policy.requests.retry import Backoff, if_retryable
from dcdist.retry_loop import retry
from tests.support import virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable

RULE = if_retryable(Backoff(tries=3, first=1.0, longest=10.0, total=60.0))
AWAY = StoreUnavailableError("away")


class _Longest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        del a
        return b


class _Operation:
    """Fails with each of `failures` in turn, taking `seconds`, and then succeeds."""

    def __init__(self, *failures: Exception, seconds: float = 0.0) -> None:
        self._failures = list(failures)
        self._seconds = seconds
        self.tries: list[int] = []
        self.told: list[tuple[DcdistError, int, float]] = []
        self.ended: list[tuple[DcdistError, int, float]] = []

    async def __call__(self, number: int) -> str:
        self.tries.append(number)
        await asyncio.sleep(self._seconds)
        if self._failures:
            raise self._failures.pop(0)
        return "done"

    async def run(
        self, rule: Callable[[DcdistError], Backoff] = RULE, *, count_answers: bool = True
    ) -> str | Exception:
        try:
            return await retry(
                self,
                rule,
                errors=StoreError,
                rng=_Longest(),
                failed=lambda *told: self.told.append(told),
                gave_up=lambda *ended: self.ended.append(ended),
                count_answers=count_answers,
            )
        except Exception as error:
            return error


def test_each_failure_is_told_with_its_number_and_the_wait_that_follows() -> None:
    operation = _Operation(AWAY, AWAY)

    assert virtual_time.run(operation.run()) == ("done", 3.0)
    assert operation.tries == [1, 2, 3]
    assert operation.told == [(AWAY, 1, 1.0), (AWAY, 2, 2.0)]
    assert operation.ended == []


def test_the_last_failure_is_told_with_all_tries_and_their_seconds_and_raised_as_it_is() -> None:
    last = StoreUnavailableError("the last")
    operation = _Operation(AWAY, AWAY, last, seconds=4.0)

    assert virtual_time.run(operation.run()) == (last, 15.0)
    assert operation.ended == [(last, 3, 15.0)]


def test_what_the_rule_does_not_try_again_is_raised_at_once() -> None:
    missing = ObjectMissingError("missing")
    operation = _Operation(missing)

    assert virtual_time.run(operation.run()) == (missing, 0.0)
    assert operation.ended == [(missing, 1, 0.0)]


@pytest.mark.parametrize("error", [FormatError("garbled"), KeyError("bug")])
def test_an_error_that_the_rule_does_not_know_is_raised_and_told_to_nobody(error: Exception) -> None:
    operation = _Operation(error)

    assert virtual_time.run(operation.run()) == (error, 0.0)
    assert (operation.told, operation.ended) == ([], [])


def test_the_stores_wish_is_the_least_wait() -> None:
    operation = _Operation(StoreThrottledError("later", retry_after=20.0))

    assert virtual_time.run(operation.run()) == ("done", 21.0)


@pytest.mark.parametrize(("count_answers", "tries"), [(True, 2), (False, 4)])
def test_the_time_of_slow_answers_ends_the_tries_only_if_it_counts(count_answers: bool, tries: int) -> None:
    rule = if_retryable(Backoff(tries=4, first=1.0, longest=10.0, total=60.0))
    operation = _Operation(*[AWAY] * 10, seconds=30.0)

    virtual_time.run(operation.run(rule, count_answers=count_answers))

    assert len(operation.tries) == tries
