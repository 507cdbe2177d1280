"""How far ahead blocks are asked for, with literal times."""

from __future__ import annotations

from dcdist.model.geometry import MIB
from dcdist.policy.link.request_ahead import AT_THE_END, USUAL, Ahead


def test_much_is_asked_for_ahead_until_what_is_missing_comes_within_seconds() -> None:
    ahead = Ahead()
    told = [ahead.seconds(received=at * MIB, missing=(40 - at) * MIB, now=float(at)) for at in range(41)]
    assert told == [USUAL] * 25 + [AT_THE_END] * 16


def test_much_is_asked_for_ahead_before_anything_has_come() -> None:
    assert Ahead().seconds(received=0, missing=1, now=0.0) == USUAL


def test_when_nothing_is_missing_it_is_the_end() -> None:
    assert Ahead().seconds(received=0, missing=0, now=0.0) == AT_THE_END
