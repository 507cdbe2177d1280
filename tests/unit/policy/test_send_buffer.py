"""The kernel's buffer of a link: a share of a measured sum."""

from __future__ import annotations

import pytest

from dcdist.policy.link.send_buffer import send_buffer


@pytest.mark.parametrize("hosts", [0, 1])
def test_a_lone_link_has_all_that_links_may_have(hosts: int) -> None:
    assert send_buffer(hosts) == 344_064


@pytest.mark.parametrize(("hosts", "size"), [(2, 172_032), (3, 114_688), (4, 86_016), (7, 49_152)])
def test_several_links_share_what_seven_were_measured_with(hosts: int, size: int) -> None:
    assert send_buffer(hosts) == size


@pytest.mark.parametrize("hosts", [8, 63, 10_000])
def test_each_of_many_links_has_what_loopback_needs(hosts: int) -> None:
    assert send_buffer(hosts) == 49_152
