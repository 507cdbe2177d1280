"""What the store shows is late, and clocks do not agree: hosts find each other, and releases, all the same."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import dcdist
from tests.support.fault_site import MIB, publish_site
from tools.lab.swift import Swift

if TYPE_CHECKING:
    from tests.support.fault_site import FaultSite, HostProcess

TRADING = ("--listen", "127.0.0.1:0")
FROM_PEERS = ("--no-store", *TRADING)
LAG = 5.0


ROOT = Path(__file__).parents[2]
OTHER_CLOCK = ROOT / "tests" / "support" / "other_clock"


def clock(minutes: int) -> tuple[str, ...]:
    """A wrapper for Python's processes: their clock is so many minutes ahead."""
    return ("env", f"PYTHONPATH={ROOT}:{OTHER_CLOCK}", f"CLOCK_AHEAD={minutes * 60}")


async def test_hosts_find_each_other_although_their_heartbeats_are_listed_seconds_late(site: FaultSite) -> None:
    """Each would need 24 s alone; when they see each other, they share what is left."""
    site.swift.order(listing_lag=LAG)
    slow = ("--store-rate", "500KB", *TRADING)
    async with site.host("a", *slow) as first, site.host("b", *slow) as second:
        done = await asyncio.gather(first.succeeded(), second.succeeded())

    assert site.is_right("a")
    assert site.is_right("b")
    assert all(each["bytes"]["peers"] > MIB for each in done)


async def test_a_release_that_listings_do_not_show_yet_is_fetched_by_its_name(site: FaultSite) -> None:
    """The latest is what they show; as soon as they show the new one, it is that."""
    site.swift.order(listing_lag=LAG)
    await site.publish_more("web@2")
    async with site.store() as store:
        shown = [str(each.release.name) for each in (await dcdist.list_releases(store, "web")).readable]
        latest = await dcdist.find_release(store, "web", trust=[site.key])
        named = await dcdist.find_release(store, "web@2", trust=[site.key])
        await dcdist.fetch(store, named, site.options(), report=print)
        while latest.name != named.name:
            latest = await dcdist.find_release(store, "web", trust=[site.key])
    assert shown == ["web@1"]
    assert site.is_right()
    assert (site.dest() / "more.img").stat().st_size == MIB


async def test_hosts_whose_clocks_are_minutes_apart_find_each_other(site: FaultSite) -> None:
    async with site.host("b", *TRADING, command="seed", wrapper=clock(7)) as seeder:
        await seeder.says("seeding")
        async with site.host("a", *FROM_PEERS, wrapper=clock(-7)) as host:
            done = await host.succeeded()

    assert site.is_right()
    assert done["bytes"]["peers"] == site.release.layer_bytes
    assert _first_time(seeder) - _first_time(host) > timedelta(minutes=13)


@pytest.mark.parametrize("minutes", [-7, 7])
async def test_hosts_find_each_other_at_a_store_whose_clock_is_minutes_off(minutes: int, tmp_path: Path) -> None:
    with Swift(tmp_path / "swift", wrapper=clock(minutes)) as swift:
        site = await publish_site(swift, "elsewhen", tmp_path)
        async with site.store() as store:
            (listed,) = (await dcdist.list_releases(store)).readable
        async with site.host("b", *TRADING, command="seed") as seeder:
            await seeder.says("seeding")
            async with site.host("a", *FROM_PEERS) as host:
                done = await host.succeeded()

    assert site.is_right()
    assert done["bytes"]["peers"] == site.release.layer_bytes
    ahead = datetime.fromtimestamp(listed.published).astimezone() - _first_time(host)
    assert abs(ahead - timedelta(minutes=minutes)) < timedelta(minutes=2)


def _first_time(host: HostProcess) -> datetime:
    """When its log begins, by its own clock."""
    return datetime.fromisoformat(host.logged()[0]["time"])
