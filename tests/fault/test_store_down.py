"""The store is not there: at the start, in the middle, for good."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dcdist.engine.fetch_events import Trouble
from dcdist.engine.fetch_options import Rates
from dcdist.errors import FetchFailedError, StoreUnavailableError
from tests.support.fault_site import MIB
from tests.support.swarms import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.fault_site import FaultSite, HostProcess
    from tests.support.tcp_link import TcpLink

SLOW = ("--store-rate", "3MB")


def failed(host: HostProcess) -> list[str]:
    """The sources of requests that failed."""
    return [trouble["source"] for trouble in host.troubles(Trouble.STORE)]


async def test_a_store_that_is_down_at_the_start_is_waited_for(site: FaultSite, link: TcpLink) -> None:
    await link.cut()
    async with site.host("a", "--no-swarm", port=link.port) as host:
        failed = await host.says("troubled")
        await link.mend()
        await host.succeeded()

    assert (failed["kind"], failed["source"]) == ("store", site.url)
    assert f"127.0.0.1:{link.port}" in failed["message"]
    assert "try 1 failed, the next is in" in failed["message"]
    assert site.is_right()
    assert link.relayed > site.release.layer_bytes


@pytest.mark.usefixtures("hasty")
async def test_a_store_that_stays_down_at_the_start_is_given_up_with_what_was_tried(
    site: FaultSite, link: TcpLink
) -> None:
    await link.cut()

    with pytest.raises(
        StoreUnavailableError, match=r"the sign-in .*http://127.*tried 3 times .* run it again"
    ) as caught:
        await site.fetch(port=link.port)

    assert caught.value.store == site.url
    assert len(site.troubles(Trouble.STORE)) == 2


@pytest.mark.parametrize("swarm", [["--no-swarm"], ["--listen", "127.0.0.1:0"]], ids=["alone", "in a swarm"])
async def test_a_store_that_is_down_in_the_middle_is_waited_for(
    site: FaultSite, link: TcpLink, swarm: list[str], often: Callable[[int, int], int]
) -> None:
    async with site.host("a", *SLOW, *swarm, port=link.port) as host:
        await host.has(2 * MIB)
        await link.cut()
        if often(0, 1):
            await asyncio.sleep(30)  # as long as the issue says: time itself is what is tried
        await until(lambda: failed(host).count(site.segment_source) >= 3)
        await link.mend()
        done = await host.succeeded()

    assert site.is_right()
    assert done["bytes"]["store"] < 1.5 * site.release.layer_bytes


async def test_a_store_that_answers_nothing_in_the_middle_is_asked_again(site: FaultSite, link: TcpLink) -> None:
    async with site.host("a", *SLOW, "--no-swarm", port=link.port) as host:
        await host.has(2 * MIB)
        link.freeze()
        await until(lambda: any("stalled" in trouble["message"] for trouble in host.troubles(Trouble.STORE)))
        await link.mend()
        await host.succeeded()

    assert site.is_right()


async def test_when_the_store_is_down_for_good_peers_finish_the_job(site: FaultSite, link: TcpLink) -> None:
    async with site.host("b", "--listen", "127.0.0.1:0", command="seed") as seeder:
        await seeder.says("seeding")
        trading = ("--store-rate", "1MB", "--down-rate", "4MB", "--listen", "127.0.0.1:0")
        async with site.host("a", *trading, port=link.port) as host:
            await host.until(lambda record: record.get("peers") == 1)
            await link.cut()
            done = await host.succeeded()

    assert site.is_right()
    assert done["bytes"]["peers"] > site.release.layer_bytes / 2


@pytest.mark.usefixtures("hasty")
async def test_when_the_store_is_down_for_good_and_nobody_has_the_rest_the_fetch_says_so_and_keeps_what_came(
    site: FaultSite, link: TcpLink
) -> None:
    slow = replace(site.options(), rates=Rates(store=3e6))
    task = asyncio.create_task(site.fetch(options=slow, port=link.port))
    await until(lambda: site.came() > 0)
    await link.cut()
    with pytest.raises(FetchFailedError, match=r"still missing: .*connection failed.*run the same command again"):
        await task
    came = site.came()
    await link.mend()
    fetched = await site.fetch(port=link.port)

    assert site.is_right()
    assert fetched.bytes.reused >= came
