"""What happens to a host itself: killed at any moment, the power cut, few descriptors, signals."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import dcdist
from tests.support.fault_site import IMAGE, MIB
from tests.support.file_systems import make_file_system, mounted
from tests.support.publishing import KEY, noise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.fault_site import FaultSite

SLOW = 500_000
"""Bytes a second: what comes between two writes to the disk is less than a twentieth of the release."""


async def test_a_fetch_killed_at_random_moments_ends_right_and_fetches_little_again(
    site: FaultSite, often: Callable[[int, int], int], record_property: Callable[[str, object], None]
) -> None:
    """One that is alone, and beside it one that trades, but finds nobody to trade with."""
    alone, trading = random.Random(1), random.Random(1)
    for number in range(often(1, 10)):
        again = await asyncio.gather(
            _fetch_with_kills(site, f"alone{number}", ["--no-swarm"], alone),
            _fetch_with_kills(site, f"trading{number}", ["--listen", "127.0.0.1:0"], trading),
        )
        record_property("fetched again", again)


async def _fetch_with_kills(site: FaultSite, name: str, swarm: list[str], dealer: random.Random) -> int:
    """A host whose fetch is killed five times, and then runs to its end; the bytes that it fetched again then."""
    kills = 5
    little = site.release.layer_bytes // 20
    came = 0
    for _ in range(kills):
        async with site.host(name, "--store-rate", str(SLOW), *swarm) as host:
            # All that was there before is there again, but for a twentieth of the release.
            first = await host.has(max(0, came - little))
            step = dealer.randrange(1, max(2, (site.release.layer_bytes - first["layer_bytes"]) // kills))
            record = await host.has(first["layer_bytes"] + step)
            came = record["layer_bytes"]
            host.kill()
            await host.done()
        assert not (site.dest(name) / "web.img").exists()
    async with site.host(name, *swarm) as host:
        done = await host.succeeded()

    assert site.is_right(name)
    assert done["bytes"]["reused"] >= came - little
    assert done["bytes"]["reused"] + done["bytes"]["store"] == site.release.layer_bytes
    return max(0, came - int(done["bytes"]["reused"]))


async def test_a_publish_killed_at_random_moments_shows_nothing_or_all(
    site: FaultSite, tmp_path: Path, often: Callable[[int, int], int]
) -> None:
    dealer = random.Random(2)
    image = tmp_path / "web.img"
    cut_short = 0
    for number in range(often(5, 50)):
        content, name = noise(100 + number, 48 * MIB), f"web@{2 + number}"
        image.write_bytes(content)
        async with site.publisher(name, image) as publisher:
            await publisher.says("image_started")
            # The moment itself is what is tried.
            await asyncio.sleep(dealer.uniform(0.0, 0.5))
            if publisher.process.returncode is None:
                publisher.process.kill()
            code = await publisher.done()
        visible = await _is_visible(site, name)
        assert visible or code != 0
        cut_short += not visible
        if not visible:
            async with site.publisher(name, image) as publisher:
                await publisher.succeeded()
        async with site.store() as store:
            release = await dcdist.find_release(store, name, trust=[KEY.public])
            await dcdist.fetch(store, release, site.options(), report=print)
        assert (site.dest() / "web.img").read_bytes() == content
    assert cut_short


async def _is_visible(site: FaultSite, name: str) -> bool:
    async with site.store() as store:
        return name in {str(entry.release.name) for entry in (await dcdist.list_releases(store)).readable}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_at_any_moment_ends_a_fetch_cleanly(
    site: FaultSite, number: signal.Signals, often: Callable[[int, int], int]
) -> None:
    dealer = random.Random(3)
    for _ in range(often(5, 50)):
        async with site.host("a", "--store-rate", str(SLOW), "--listen", "127.0.0.1:0") as host:
            await host.says("release_found")
            await asyncio.sleep(dealer.uniform(0.0, 1.0))
            host.process.send_signal(number)
            assert await host.done() == 128 + number, host.said()
            assert host.errors.strip() in {
                "",
                "dcdist: ending; what was fetched is kept (a second Ctrl-C ends it at once)",
            }
    async with site.host("a") as host:
        await host.succeeded()

    assert site.is_right()


async def test_256_open_files_are_enough(site: FaultSite) -> None:
    limited = ("prlimit", "--nofile=256:256")
    async with (
        site.host("b", "--listen", "127.0.0.1:0", command="seed", wrapper=limited) as seeder,
        site.host("a", "--listen", "127.0.0.1:0", wrapper=limited) as host,
    ):
        await host.succeeded()
        await seeder.says("seeding")

    assert site.is_right()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="a loop mount needs root")
@pytest.mark.parametrize("moment", ["in the middle", "after the end"])
async def test_after_a_power_cut_nothing_is_trusted_that_is_not_whole(
    site: FaultSite, tmp_path: Path, moment: str
) -> None:
    disk, copy, place = tmp_path / "disk", tmp_path / "copy", tmp_path / "mounted"
    place.mkdir()
    make_file_system(disk, 96 * MIB)
    options = replace(site.options(), dest=place / "images", cache=place / "cache", rates=dcdist.Rates(store=3e6))
    with mounted(disk, place):
        task = asyncio.create_task(site.fetch(options=options))
        if moment == "in the middle":
            while site.came() < 6 * MIB:
                await asyncio.sleep(0.01)
            # What the disk holds now is what a power cut would leave: the rest is in memory only.
            shutil.copyfile(disk, copy)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            await task
            shutil.copyfile(disk, copy)
    with mounted(copy, place):
        image = place / "images" / "web.img"
        if moment == "after the end":
            assert image.read_bytes() == IMAGE
        else:
            assert not image.exists()
        await site.fetch(options=options)
        assert image.read_bytes() == IMAGE
