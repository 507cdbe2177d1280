from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from dcdist.policy.retry import Backoff


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
