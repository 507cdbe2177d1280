"""The limit: the slowest of the store's link, a host's link, and all upload together."""

from __future__ import annotations

import pytest

from benchmarks.compare.limit import Limit, Rates, limit

HOSTS = [Rates(up=10.0, down=10.0)] * 8


def test_a_store_as_fast_as_a_host_sends_one_copy_in_the_time_of_one_download() -> None:
    assert limit(1000, 10.0, HOSTS) == Limit(seconds=100.0, copies=1.0)


def test_a_scarce_store_takes_its_own_time_for_one_copy() -> None:
    assert limit(1000, 5.0, HOSTS) == Limit(seconds=200.0, copies=1.0)


def test_an_ample_store_need_not_send_more_than_one_copy() -> None:
    assert limit(1000, 40.0, HOSTS) == Limit(seconds=100.0, copies=1.0)


def test_hosts_that_send_little_need_more_copies() -> None:
    found = limit(1500, 10.0, [Rates(up=2.5, down=10.0)] * 8)

    assert found.seconds == pytest.approx(8 * 1500 / 30)
    assert found.copies == pytest.approx(8 / 3)


def test_the_slowest_host_is_waited_for() -> None:
    assert limit(1000, 10.0, [*HOSTS, Rates(up=2.5, down=2.5)]).seconds == 400.0
