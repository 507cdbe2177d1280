from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcdist.policy.requests.pacing import Pace


def test_without_a_rate_nobody_waits() -> None:
    pace = Pace()

    assert pace.spend(10**12, now=1.0) == 0.0
    assert pace.spend(10**12, now=1.0) == 0.0


def test_bytes_are_paid_for_in_time() -> None:
    pace = Pace(1000.0)

    assert pace.spend(500, now=10.0) == 0.5
    assert pace.wait(500, now=10.25) == 0.25
    assert pace.wait(500, now=10.5) == 0.0
    assert pace.spend(250, now=10.5) == 0.25
    assert pace.spent == 750


def test_a_fraction_of_a_byte_is_no_debt() -> None:
    pace = Pace(1000.0)
    pace.spend(500, now=0.0)

    assert pace.wait(500, now=0.4998) == 0.0
    assert pace.spend(1, now=0.4998) == pytest.approx(0.0012)


def test_a_part_larger_than_all_savings_is_paid_in_full() -> None:
    pace = Pace(1000.0)

    assert pace.spend(100_000, now=0.0) == 100.0
    assert pace.spend(100_000, now=100.0) == 100.0


def test_spenders_are_served_in_their_order() -> None:
    pace = Pace(1000.0)

    assert pace.spend(1000, now=0.0) == 1.0
    assert pace.spend(1000, now=0.0) == 2.0
    assert pace.wait(1000, now=1.0) == 0.0
    assert pace.spend(1000, now=1.0) == 2.0
    assert pace.wait(2000, now=1.0) == 1.0


def test_late_wakers_lose_nothing_within_a_quarter_second() -> None:
    pace = Pace(1000.0)
    pace.spend(1000, now=0.0)

    assert pace.spend(1000, now=1.25) == 0.75


def test_idle_time_is_saved_for_a_quarter_second_at_most() -> None:
    pace = Pace(1000.0)
    pace.spend(1000, now=0.0)

    assert pace.spend(1000, now=1000.0) == 0.75


def test_a_new_rate_counts_for_the_debt_there_is() -> None:
    pace = Pace(1000.0)

    assert pace.spend(1000, now=0.0) == 1.0
    pace.rate = 4000.0
    assert pace.wait(1000, now=0.0) == 0.25
    pace.rate = None
    assert pace.wait(1000, now=0.0) == 0.0
    pace.rate = 1000.0
    assert pace.spend(1000, now=5.0) == 1.0


@given(
    rate=st.floats(1e3, 1e9),
    amounts=st.lists(st.integers(1, 10_000_000), min_size=1, max_size=50),
    late=st.floats(0.0, 0.2),
)
def test_the_average_is_the_rate_for_those_who_wait(rate: float, amounts: list[int], late: float) -> None:
    pace = Pace(rate)
    now = 0.0
    for amount in amounts:
        wait = pace.spend(amount, now=now)
        now += wait + late * (wait > 0.0)

    assert now >= (sum(amounts) - 1) / rate * (1 - 1e-9)
    # What one waker was late at the end is not made up for.
    assert now - late == pytest.approx(sum(amounts) / rate, rel=1e-6, abs=late + 2 / rate)
