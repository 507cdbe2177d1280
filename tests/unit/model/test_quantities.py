from __future__ import annotations

import pytest

from dcdist.model.identity import show_address
from dcdist.model.option_text import parse_address
from dcdist.model.quantities import show_bytes, show_duration, show_rate


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (999_499, "999 kB"),
        (999_999, "1.00 MB"),
        (12_345_678, "12.3 MB"),
        (296_000_000, "296 MB"),
        (150_000_000_000, "150 GB"),
        (7_000_000_000_000_000, "7000 TB"),
    ],
)
def test_bytes_are_shown_with_three_digits(count: int, text: str) -> None:
    assert show_bytes(count) == text
    assert show_rate(count) == f"{text}/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (185, "3 min 5 s"),
        (3599.7, "1 h"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_are_shown_in_two_units(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


@pytest.mark.parametrize("text", ["0.0.0.0:0", "[::]:0", "10.0.0.5:6881", "[fd00::5]:6881"])
def test_an_address_is_shown_as_it_is_written(text: str) -> None:
    assert show_address(parse_address(text, any_port=True)) == text
