"""Sets of pieces as integers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dcdist.model import pieces


@given(st.sets(st.integers(0, 5000), min_size=1))
def test_the_nth_member_is_that_of_the_sorted_members(members: set[int]) -> None:
    bits = pieces.of(members)

    assert [pieces.nth(bits, place) for place in range(len(members))] == sorted(members)
