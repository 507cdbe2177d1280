"""How full is a link? With literal rates, a second each."""

from __future__ import annotations

import pytest

from dcdist.policy.link.link import Link
from dcdist.policy.preference import EGRESS, TIME

FULL = [100] * 20


def after(rates: list[int], *, from_store: int = 0, slack_after: float = EGRESS.slack_after) -> Link:
    """A link that carried so much in each second; in the last one so much came from the store."""
    link, total = Link(slack_after=slack_after), 0
    link.observed(0, peers=0.0, now=0.0)
    for second, rate in enumerate(rates, start=1):
        total += rate
        last = second == len(rates)
        link.observed(total, peers=float(rate - from_store if last else rate), now=float(second))
    return link


def test_there_is_no_slack_while_a_host_takes_about_what_it_took_at_best() -> None:
    assert not after(FULL + [85] * 20).has_slack


def test_a_rate_that_stays_low_is_slack_and_a_dip_is_not() -> None:
    assert not after(FULL + [60] * 5).has_slack
    assert not after(FULL + [60] * 3 + [95] * 20).has_slack
    assert after(FULL + [60] * 6).has_slack


def test_a_host_that_prefers_time_believes_sooner_that_there_is_slack() -> None:
    assert not after(FULL + [60] * 2, slack_after=TIME.slack_after).has_slack
    assert after(FULL + [60] * 3, slack_after=TIME.slack_after).has_slack


def test_slack_is_used_until_peers_alone_fill_the_link_almost_as_at_best() -> None:
    low = FULL + [60] * 6
    assert after([*low, 85]).has_slack
    assert not after([*low, 99]).has_slack
    assert after([*low, 99], from_store=30).has_slack


def test_a_best_rate_that_is_not_reached_again_is_forgotten() -> None:
    assert not after(FULL + [60] * 300).has_slack
    assert after(FULL + [60] * 300).best == pytest.approx(60, rel=0.01)


def test_a_link_is_below_a_share_of_its_best_from_the_first_look_that_shows_it() -> None:
    link = after(FULL + [60] * 3 + [30] * 2)
    assert [link.below(share, now=25.5) for share in (0.25, 0.5, 0.7, 0.95)] == [0.0, 1.5, 4.5, 4.5]


def test_a_link_that_reaches_a_share_again_is_not_below_it() -> None:
    link = after(FULL + [30] * 3 + [60] * 3)
    assert link.below(0.5, now=26.0) == 0.0
    assert link.below(0.7, now=26.0) == 5.0


def test_a_link_that_has_carried_nothing_is_below_no_share() -> None:
    assert Link(slack_after=1.0).below(0.5, now=9.0) == 0.0
    assert after([0, 0, 0]).below(0.5, now=9.0) == 0.0
