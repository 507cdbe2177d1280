"""The small decisions, with literal times."""

from __future__ import annotations

import pytest

from dcdist.model.geometry import KIB, MIB
from dcdist.model.identity import HostId
from dcdist.policy.fleet.owners import Owners, OwnSpeed
from dcdist.policy.link.throughput import Throughput
from dcdist.policy.planner_events import Failure
from dcdist.policy.preference import EGRESS, TIME
from dcdist.policy.requests.budget import split
from dcdist.policy.requests.concurrency import Concurrency
from dcdist.policy.requests.crawl import Crawl
from dcdist.policy.requests.patience import Patience
from dcdist.policy.requests.request_share import most_requests
from dcdist.policy.requests.request_size import LONGEST, RequestSize

HOST = HostId("a" * 32)


def test_a_steady_source_has_its_rate() -> None:
    throughput = Throughput()
    for second in range(11):
        throughput.count(second * 1000, now=float(second))

    assert throughput.rate(now=10.0) == pytest.approx(1000)


def test_silence_lowers_a_rate() -> None:
    throughput = Throughput()
    throughput.count(0, now=0.0)
    throughput.count(1000, now=1.0)

    assert throughput.rate(now=1.0) == pytest.approx(1000)
    assert throughput.rate(now=9.5) == pytest.approx(1000 * 2.718281828**-4)


def test_a_burst_at_the_beginning_is_no_rate_for_a_counter_that_began_at_nothing() -> None:
    for from_nothing, rate in ((False, 8000.0), (True, 1769.5937)):
        throughput = Throughput(from_nothing=from_nothing)
        throughput.count(0, now=0.0)
        throughput.count(4000, now=0.5)
        assert throughput.rate(now=0.5) == pytest.approx(rate)


def test_a_source_that_never_gave_has_no_rate() -> None:
    assert Throughput().rate(now=5.0) == 0.0


def test_more_requests_are_kept_only_if_they_bring_more() -> None:
    concurrency = Concurrency(first=2, most=8)
    concurrency.observed(100.0, 2, now=0.0)
    assert concurrency.limit == 3

    concurrency.observed(150.0, 3, now=2.0)
    assert concurrency.limit == 3
    concurrency.observed(150.0, 3, now=2.1)
    assert concurrency.limit == 4

    concurrency.observed(155.0, 4, now=4.0)
    assert concurrency.limit == 3


def test_about_sixteen_requests_are_shared_by_all_who_draw() -> None:
    assert [most_requests(drawing) for drawing in (1, 2, 3, 8, 16, 64)] == [8, 8, 5, 2, 2, 2]


def test_a_throttled_host_halves_its_requests_and_rests() -> None:
    concurrency = Concurrency(first=8, most=8)
    concurrency.throttled(now=1.0, begun=0.0)
    assert concurrency.limit == 4

    concurrency.observed(1000.0, 4, now=10.0)
    assert concurrency.limit == 4
    concurrency.observed(1000.0, 4, now=21.0)
    assert concurrency.limit == 5


def test_requests_that_are_throttled_together_count_once() -> None:
    concurrency = Concurrency(first=8, most=8)
    for _ in range(8):
        concurrency.throttled(now=1.0, begun=0.0)
    assert concurrency.limit == 4
    concurrency.throttled(now=3.0, begun=2.0)
    assert concurrency.limit == 2


def test_requests_that_are_cut_together_count_once() -> None:
    patience = Patience()
    for _ in range(8):
        patience.failed(Failure.PASSING, "reset", retry_after=None, now=10.0, begun=9.0)
    assert patience.paused_until() == 10.25
    patience.failed(Failure.PASSING, "reset", retry_after=None, now=12.0, begun=11.0)
    assert patience.paused_until() == 12.5


def test_pauses_double_and_end_with_a_success() -> None:
    patience = Patience()
    patience.failed(Failure.PASSING, "no answer", retry_after=None, now=10.0)
    assert patience.paused_until() == 10.25
    patience.failed(Failure.PASSING, "no answer", retry_after=None, now=11.0)
    assert patience.paused_until() == 11.5
    patience.succeeded()
    patience.failed(Failure.PASSING, "no answer", retry_after=None, now=20.0)
    assert patience.paused_until() == 20.25


def test_the_store_s_wish_is_obeyed() -> None:
    patience = Patience()
    patience.failed(Failure.THROTTLED, "slow down", retry_after=30.0, now=10.0)

    assert patience.paused_until() == 40.0


def test_a_passing_failure_is_waited_out_longer_than_a_lasting_one() -> None:
    patience = Patience(passing=300.0, lasting=20.0)
    patience.failed(Failure.PASSING, "down", retry_after=None, now=1.0)
    assert patience.gives_up_at(since=0.0) == 300.0
    patience.failed(Failure.LASTING, "gone", retry_after=None, now=2.0)
    assert patience.gives_up_at(since=0.0) == 20.0
    patience.progressed(now=100.0)
    assert patience.gives_up_at(since=0.0) == 120.0


def test_a_store_that_refuses_is_waited_out_longer_than_one_that_does_not_answer() -> None:
    patience = Patience(passing=300.0)
    patience.failed(Failure.THROTTLED, "slow down", retry_after=None, now=200.0)
    assert patience.gives_up_at(since=0.0) == 500.0
    patience.failed(Failure.PASSING, "no answer", retry_after=None, now=300.0)
    assert patience.gives_up_at(since=0.0) == 500.0
    patience.failed(Failure.THROTTLED, "slow down", retry_after=None, now=800.0)
    assert patience.gives_up_at(since=0.0) == 900.0
    patience.progressed(now=850.0)
    assert patience.gives_up_at(since=0.0) == 1150.0


def test_the_first_request_is_one_stripe_and_later_ones_take_about_two_seconds() -> None:
    size = RequestSize()
    assert size.limit == 0

    size.finished(1_000_000, 1.0)
    assert size.limit == 2_000_000
    for _ in range(20):
        size.finished(1_000_000, 1.0)
    assert size.limit == 2_000_000
    assert size.seconds_for(500_000) == pytest.approx(0.5)


def test_requests_grow_step_by_step_up_to_a_bound() -> None:
    size = RequestSize()
    size.finished(1 << 20, 0.001)
    assert size.limit == 4 << 20
    size.finished(4 << 20, 0.004)
    assert size.limit == LONGEST == 16 << 20


def test_a_request_is_a_small_part_of_what_a_fetch_brings_but_takes_a_tenth_of_a_second() -> None:
    size = RequestSize()
    assert size.part(8 * MIB) == 512 * KIB
    size.finished(MIB, 1.0)
    assert size.part(8 * MIB) == 512 * KIB
    assert size.part(MIB) == 104_857
    for _ in range(50):
        size.finished(MIB, 0.01)
    assert size.part(8 * MIB) == pytest.approx(10 * MIB, rel=0.01)


HELPER = OwnSpeed(own_time=0.8, own_interval=0.4, preference=EGRESS)
"""Its margin is 4 s: 1.25 times 0.8 s, and twice a view's lag of 1.5 s."""


def helps(
    helping: Owners, *, now: float, ahead: int = 3, rank: int = 1, helper: OwnSpeed = HELPER, ending: bool = False
) -> bool:
    return helping.should_help(HOST, ahead=ahead, rank=rank, helper=helper, now=now, ending=ending)


def steady_owner() -> Owners:
    """A stripe a second since second 1."""
    helping = Owners()
    helping.watch(HOST, now=0.0)
    for second in (1.0, 2.0, 3.0, 4.0):
        helping.appeared(HOST, now=second)
    return helping


def test_a_stripe_is_left_to_an_owner_that_would_begin_it_before_the_helper_were_done() -> None:
    assert not helps(steady_owner(), now=4.0, ahead=6)
    assert helps(steady_owner(), now=4.0, ahead=7)


def test_each_rank_waits_for_the_one_before_it() -> None:
    assert not helps(steady_owner(), now=4.0, ahead=10, rank=2)
    assert helps(steady_owner(), now=4.0, ahead=11, rank=2)


def test_a_host_that_prefers_time_takes_a_quarter_of_the_margin() -> None:
    quick = OwnSpeed(own_time=0.8, own_interval=0.4, preference=TIME)

    assert not helps(steady_owner(), now=4.0, ahead=3, helper=quick)
    assert helps(steady_owner(), now=4.0, ahead=4, helper=quick)


def beside_others(seconds: float) -> Owners:
    """The steady owner, and three others that show a stripe each time so many seconds have gone."""
    helping = steady_owner()
    for number in range(2, 5):
        other = HostId(f"{number:032x}")
        for step in range(4):
            helping.appeared(other, now=4.0 - seconds * (3 - step))
    return helping


def test_an_owner_slower_than_most_is_helped_earlier() -> None:
    assert not helps(beside_others(0.8), now=4.0, ahead=6)
    assert not helps(beside_others(0.5), now=4.0, ahead=2)
    assert helps(beside_others(0.5), now=4.0, ahead=3)


def test_at_the_end_what_a_slow_owner_has_begun_is_drawn_by_others_too() -> None:
    assert not helps(beside_others(0.5), now=4.0, ahead=0)
    assert helps(beside_others(0.5), now=4.0, ahead=0, ending=True)
    assert not helps(beside_others(0.8), now=4.0, ahead=0, ending=True)
    assert not helps(beside_others(0.5), now=4.9, ahead=0, rank=2, ending=True)
    assert helps(beside_others(0.5), now=5.1, ahead=0, rank=2, ending=True)
    slow_too = OwnSpeed(own_time=1.6, own_interval=0.8, preference=EGRESS)
    assert not helps(beside_others(0.5), now=4.0, ahead=0, helper=slow_too, ending=True)


@pytest.mark.parametrize(("usual", "slow"), [(0.5, True), (0.8, False)])
def test_an_owner_that_was_slow_for_long_stays_so_when_helpers_show_its_stripes(usual: float, slow: bool) -> None:
    helping = beside_others(usual)
    helping.appeared(HOST, now=5.0)
    for step in range(1, 21):
        helping.appeared(HOST, now=5.0 + step / 20)

    assert helps(helping, now=6.0, ahead=0, ending=True) == slow


def test_an_owner_that_shows_nothing_is_taken_to_begin_never() -> None:
    helping = Owners()
    helping.watch(HOST, now=0.0)

    assert not helps(helping, now=3.4)
    assert helps(helping, now=3.6)
    assert not helps(helping, now=7.4, rank=2)
    assert helps(helping, now=7.6, rank=2)


def test_the_turns_of_those_that_are_gone_too_are_not_awaited() -> None:
    def silent(others: int) -> Owners:
        helping = Owners()
        for number in range(others):
            helping.watch(HostId(f"{number + 2:032x}"), now=11.5)
        helping.watch(HOST, now=0.0)
        return helping

    assert not helps(silent(others=31), now=12.0, rank=31)
    assert helps(silent(others=0), now=12.0, rank=31)


def test_a_slow_owner_is_given_three_of_its_own_intervals() -> None:
    helping = Owners()
    helping.watch(HOST, now=0.0)
    helping.appeared(HOST, now=4.0)
    helping.appeared(HOST, now=8.0)

    assert not helps(helping, now=21.4, ahead=1)
    assert helps(helping, now=21.6, ahead=1)


def test_the_stripes_of_a_host_that_left_are_anybody_s() -> None:
    assert helps(Owners(), now=0.0)


def test_a_request_that_crawls_beside_a_quick_one_is_left() -> None:
    crawl = Crawl()
    assert not crawl.crawls(1_000_000, 40_000, 10.0, now=10.0)  # nothing to compare with
    crawl.finished(1_000_000, 2.0, now=9.0)

    assert crawl.crawls(1_000_000, 40_000, 10.0, now=10.0)
    assert not crawl.crawls(1_000_000, 40_000, 5.9, now=10.0)
    assert not crawl.crawls(1_000_000, 600_000, 10.0, now=10.0)
    assert not crawl.crawls(1_000_000, 990_000, 300.0, now=10.0)  # it is as good as done
    assert not crawl.crawls(1_000_000, 40_000, 10.0, now=24.1)  # the store may be slower by now


def test_when_no_request_ends_one_more_is_tried() -> None:
    crawl = Crawl()

    assert [crawl.extra(10.0, now=now) for now in (15.9, 16.0)] == [0, 1]
    crawl.finished(1000, 1.0, now=17.0)
    assert [crawl.extra(10.0, now=now) for now in (22.9, 23.0)] == [0, 1]


def test_a_bound_is_shared_by_what_each_source_gives() -> None:
    assert split(100.0, store=0.0, peers=0.0) == (50.0, 50.0)
    assert split(100.0, store=20.0, peers=80.0) == (20.0, 80.0)
    assert split(100.0, store=100.0, peers=0.0) == (100.0, 10.0)
