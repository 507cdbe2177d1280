"""Who asks for more of the store's second copies, and who for less: with literal numbers."""

from __future__ import annotations

import pytest

from dcdist.policy.preference import EGRESS, TIME, Preference
from dcdist.policy.requests.behind_first import BehindFirst

MB = 1_000_000


def requests(
    lacking: int, others: tuple[int, ...], *, preference: Preference = EGRESS, usual: int = 2, most: int = 8
) -> int:
    precedence = BehindFirst(preference)
    precedence.told(others)
    return precedence.requests(usual, most=most, lacking=lacking, stripe=MB)


@pytest.mark.parametrize(
    ("lacking", "expected"), [(100, 2), (102, 2), (104, 3), (120, 5), (180, 8), (98, 2), (95, 1), (20, 1), (0, 1)]
)
def test_one_request_more_or_less_for_each_twentieth_of_the_average(lacking: int, expected: int) -> None:
    assert requests(lacking * MB, (100 * MB,) * 7) == expected


def test_a_host_makes_as_many_as_ever_when_nobody_else_lacks_anything() -> None:
    assert requests(100 * MB, ()) == 2


def test_a_host_that_is_ahead_goes_on_with_one_request() -> None:
    assert requests(1 * MB, (1000 * MB,) * 7, usual=4) == 1


def test_a_host_that_prefers_time_makes_no_way_but_catches_up() -> None:
    assert requests(10 * MB, (100 * MB,) * 7, preference=TIME) == 2
    assert requests(120 * MB, (100 * MB,) * 7, preference=TIME) == 5


def test_one_that_is_far_behind_gets_much_and_takes_little_from_each_of_the_others() -> None:
    others = (100 * MB,) * 7
    assert requests(130 * MB, others) == 7
    assert requests(100 * MB, (*others[1:], 130 * MB)) == 1
    assert requests(100 * MB, (*others[1:], 110 * MB)) == 2


def test_what_is_nearly_done_is_not_worth_a_request() -> None:
    assert requests(3 * MB, (2 * MB,) * 7) == 2
    assert requests(0, (2 * MB,) * 7) == 1


def test_the_most_is_kept_unless_the_usual_is_more() -> None:
    assert requests(200 * MB, (100 * MB,) * 7, most=4) == 4
    assert requests(200 * MB, (100 * MB,) * 7, usual=6, most=4) == 6


def test_what_was_told_last_counts() -> None:
    precedence = BehindFirst(EGRESS)
    precedence.told((10 * MB,) * 3)
    precedence.told((100 * MB,) * 3)
    assert precedence.requests(2, most=8, lacking=100 * MB, stripe=MB) == 2
    precedence.told(())
    assert precedence.requests(2, most=8, lacking=100 * MB, stripe=MB) == 2
