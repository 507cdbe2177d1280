"""The kernel's buffer of a link: free for a lone link, a share of a measured sum for several."""

from __future__ import annotations

import pytest

from dcdist.policy.link.send_buffer import KERNEL, send_buffer


@pytest.mark.parametrize("hosts", [0, 1])
def test_a_lone_link_is_left_to_the_kernel(hosts: int) -> None:
    assert send_buffer(hosts, before=KERNEL) == 0


@pytest.mark.parametrize(("hosts", "size"), [(2, 172_032), (3, 114_688), (4, 86_016), (7, 49_152)])
@pytest.mark.parametrize("before", [KERNEL, 49_152])
def test_several_links_share_what_seven_were_measured_with(hosts: int, size: int, before: int) -> None:
    assert send_buffer(hosts, before=before) == size


@pytest.mark.parametrize("hosts", [8, 63, 10_000])
def test_each_of_many_links_has_what_loopback_needs(hosts: int) -> None:
    assert send_buffer(hosts, before=KERNEL) == 49_152


@pytest.mark.parametrize("hosts", [0, 1])
def test_a_link_that_is_alone_after_others_has_all_that_they_shared(hosts: int) -> None:
    assert send_buffer(hosts, before=49_152) == 344_064
