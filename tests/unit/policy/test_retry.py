from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcdist.errors import (
    FormatError,
    IntegrityError,
    NewerFormatError,
    ObjectMissingError,
    SignatureError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from dcdist.policy.requests.rereading import rule_for
from dcdist.policy.requests.retry import Backoff


class _Chance(random.Random):
    """Draws always the same share of what is asked for."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share

    def uniform(self, a: float, b: float) -> float:
        return a + self._share * (b - a)


def _delays(rule: Backoff, share: float, *, retry_after: float | None = None) -> list[float | None]:
    return [
        rule.delay(attempt, elapsed=0.0, rng=_Chance(share), retry_after=retry_after)
        for attempt in range(1, rule.tries + 1)
    ]


def test_the_bound_of_the_wait_doubles_up_to_the_longest_and_then_it_gives_up() -> None:
    assert _delays(Backoff(tries=6, first=1.0, longest=6.0, total=60.0), 1.0) == [1.0, 2.0, 4.0, 6.0, 6.0, None]


def test_the_whole_wait_is_drawn_by_chance() -> None:
    rule = Backoff(tries=4, first=1.0, longest=6.0, total=60.0)

    assert _delays(rule, 0.0) == [0.0, 0.0, 0.0, None]
    assert _delays(rule, 0.5) == [0.5, 1.0, 2.0, None]


def test_the_stores_wish_is_the_least_wait() -> None:
    rule = Backoff(tries=4, first=1.0, longest=6.0, total=60.0)

    assert _delays(rule, 0.0, retry_after=10.0) == [10.0, 10.0, 10.0, None]
    assert _delays(rule, 1.0, retry_after=10.0) == [11.0, 12.0, 14.0, None]


def test_it_gives_up_rather_than_begin_after_the_total() -> None:
    rule = Backoff(tries=6, first=1.0, longest=6.0, total=60.0)

    assert rule.delay(1, elapsed=59.0, rng=_Chance(1.0)) == 1.0
    assert rule.delay(1, elapsed=59.5, rng=_Chance(1.0)) is None
    assert rule.delay(1, elapsed=0.0, rng=_Chance(0.0), retry_after=61.0) is None


def test_one_try_is_never_repeated() -> None:
    assert Backoff(tries=1).delay(1, elapsed=0.0, rng=_Chance(0.0)) is None


@given(st.integers(1, 10_000), st.integers(0, 2**32))
def test_the_wait_stays_within_its_bound(attempt: int, seed: int) -> None:
    rule = Backoff(tries=20_000, first=0.5, longest=15.0, total=60.0)

    delay = rule.delay(attempt, elapsed=0.0, rng=random.Random(seed))

    assert delay is not None
    assert 0.0 <= delay <= min(15.0, 0.5 * 2.0 ** min(attempt - 1, 10))


DESCRIPTION_ERRORS = {
    "missing": (ObjectMissingError("gone"), 20.0),
    "denied": (StoreDeniedError("no"), 20.0),
    "wrong": (IntegrityError("other bytes"), 20.0),
    "unreadable": (FormatError("noise"), 20.0),
    "signed by a trusted key, but something else": (SignatureError("no", damaged=True), 20.0),
    "signed by a stranger": (SignatureError("no"), 0.0),
    "too new": (NewerFormatError("no", needed=9), 0.0),
}


@pytest.mark.parametrize("name", DESCRIPTION_ERRORS)
def test_a_description_that_does_not_come_as_promised_is_asked_for_again_for_20_seconds_unless_that_is_vain(
    name: str,
) -> None:
    error, seconds = DESCRIPTION_ERRORS[name]
    elapsed, number, chance = 0.0, 1, random.Random(3)
    while (delay := rule_for(error, promised=True).delay(number, elapsed=elapsed, rng=chance)) is not None:
        elapsed += delay
        number += 1

    assert number > 1
    assert seconds * 0.75 <= elapsed <= seconds


@pytest.mark.parametrize("error", [ObjectMissingError("gone"), StoreUnavailableError("tried for long")])
def test_what_nobody_promised_or_was_tried_for_long_is_not_asked_for_again(error: StoreError) -> None:
    promised = isinstance(error, StoreUnavailableError)
    assert rule_for(error, promised=promised).delay(1, elapsed=0.0, rng=random.Random(3)) is None
