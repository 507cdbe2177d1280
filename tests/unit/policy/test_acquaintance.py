"""A host meets those that begin with it before it draws, and waits for nobody for long."""

from __future__ import annotations

import pytest

from dcdist.policy.fleet.acquaintance import Acquaintance
from tests.support.planners import host

OTHERS = [host(number) for number in range(2, 9)]


def test_without_any_look_a_host_waits_until_all_that_began_with_it_would_know_each_other() -> None:
    assert Acquaintance(1.0).known_from == 1.0


def test_where_nobody_can_be_met_nothing_is_waited_for() -> None:
    assert Acquaintance(0.0).known_from == 0.0


def test_a_host_draws_when_a_second_look_shows_nobody_new() -> None:
    acquaintance = Acquaintance(1.0)
    acquaintance.looked(OTHERS, now=0.1)
    assert acquaintance.known_from > 0.2
    acquaintance.looked((), now=0.27)
    assert acquaintance.known_from <= 0.27


def test_a_look_right_after_another_one_tells_not_who_is_about_to_come() -> None:
    acquaintance = Acquaintance(1.0)
    acquaintance.looked(OTHERS[:1], now=0.0)
    acquaintance.looked((), now=0.03)
    assert acquaintance.known_from > 0.03
    acquaintance.looked(OTHERS[1:2], now=0.15)
    acquaintance.looked((), now=0.17)
    assert acquaintance.known_from > 0.17
    acquaintance.looked((), now=0.3)
    assert acquaintance.known_from <= 0.3


@pytest.mark.parametrize("known", [0, 7])
def test_one_look_alone_tells_not_who_is_about_to_come(known: int) -> None:
    acquaintance = Acquaintance(1.0)
    acquaintance.looked(OTHERS[:known], now=0.0)
    assert acquaintance.known_from > 0.0


def test_while_others_turn_up_a_host_waits_for_no_more_than_half_a_second() -> None:
    acquaintance = Acquaintance(1.0)
    for number, other in enumerate(OTHERS):
        acquaintance.looked([other], now=0.1 + 0.15 * number)
        assert acquaintance.known_from == pytest.approx(0.6)


def test_a_host_that_only_changed_is_not_new() -> None:
    acquaintance = Acquaintance(1.0)
    acquaintance.looked(OTHERS, now=0.0)
    acquaintance.looked(OTHERS[:2], now=0.15)
    assert acquaintance.known_from <= 0.15


def test_who_begins_late_waits_no_longer_than_until_all_know_each_other() -> None:
    acquaintance = Acquaintance(1.0)
    acquaintance.looked(OTHERS, now=0.8)
    assert acquaintance.known_from == 1.0
