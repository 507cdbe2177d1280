"""What is said of repeated updates: each fetch, and which took more copies than the bound."""

from __future__ import annotations

from benchmarks.updates import Fetch, over, show

FOUND = (
    Fetch(1, 1, 9_000_000, 1.02, 3.0),
    Fetch(1, 2, 5_000_000, 1.101, 2.0),
    Fetch(2, 1, 9_000_000, 1.0, 3.5),
    Fetch(2, 2, 5_000_000, 1.1, 2.5),
)


def test_a_fetch_over_the_bound_is_found_and_one_at_the_bound_is_not() -> None:
    assert over(FOUND, 1.1) == [FOUND[1]]


def test_each_round_and_the_spread_of_each_version_are_shown() -> None:
    assert show(FOUND, 1.1).splitlines() == [
        "round  version  new MB  copies  seconds",
        "1      1        9.0     1.02    3.0",
        "1      2        5.0     1.10    2.0",
        "",
        "2      1        9.0     1.00    3.5",
        "2      2        5.0     1.10    2.5",
        "",
        "version 1: 1.01 (1.00-1.02) copies",
        "version 2: 1.10 (1.10-1.10) copies",
        "1 of 4 fetches took more than 1.1 copies",
    ]
