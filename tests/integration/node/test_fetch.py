"""Whole fetches on a directory store: several hosts in one process, and everything that goes wrong with their bytes."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.engine import driving
from dcdist.engine.fetch_events import Fetched, Progress, Seeding, Trouble, Troubled, Waiting
from dcdist.errors import DiskFullError, FetchFailedError, IntegrityError, UsageError
from dcdist.formats import heartbeat
from dcdist.model import pieces
from dcdist.node.addresses import OwnAddress
from dcdist.policy.planner_options import PlannerOptions
from tests.support.http_server import serve_directory
from tests.support.publishing import KEY, Publisher, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dcdist import FetchEvent, FetchOptions, Release, Store
    from dcdist.model.member import Member

MIB = 1024 * 1024
IMAGE = noise(7, 6 * MIB) + bytes(3 * MIB) + noise(8, 2 * MIB + 12_345)


@dataclass
class Site:
    """A store with `web@1`, and hosts that fetch it."""

    store: Store
    folder: Path
    release: Release
    events: dict[str, list[FetchEvent]] = field(default_factory=dict)

    def options(self, host: str) -> FetchOptions:
        return dcdist.FetchOptions(
            dest=self.folder / host / "images",
            cache=self.folder / host / "cache",
            reach=dcdist.Reach(listen=("127.0.0.1", 0)),
        )

    async def fetch(self, host: str, options: FetchOptions | None = None, stop: asyncio.Event | None = None) -> Fetched:
        told = self.events.setdefault(host, [])
        return await dcdist.fetch(
            self.store, self.release, options or self.options(host), report=told.append, stop=stop
        )

    def image(self, host: str, name: str = "web.img") -> bytes:
        return (self.folder / host / "images" / name).read_bytes()

    def layer_data(self, host: str) -> Path:
        (data,) = (self.folder / host / "cache" / "layers").glob("*/data")
        return data

    def segment(self) -> Path:
        (segment,) = (self.folder / "store" / "layers").glob("*/segments/00000")
        return segment

    async def heartbeats(self) -> list[Member]:
        listing = await self.store.list("swarm/web/")
        members = [heartbeat.parse(entry.key.rpartition("/")[2]) for entry in listing.entries]
        return [member for member in members if member is not None]

    def troubles(self, host: str) -> list[str]:
        return [event.message for event in self.events[host] if isinstance(event, Troubled)]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as store:
        published = await Publisher(store).publish("web@1", {"web.img": IMAGE})
        yield Site(store, tmp_path, published.release)


async def test_an_image_comes_back_byte_for_byte_and_sparse(site: Site) -> None:
    fetched = await site.fetch("a", replace(site.options("a"), swarm=False))

    assert site.image("a") == IMAGE
    assert fetched.bytes.images == len(IMAGE)
    assert fetched.bytes.store == site.release.layer_bytes
    assert (site.folder / "a" / "images" / "web.img").stat().st_blocks * 512 < len(IMAGE) - 2 * MIB


async def test_hosts_that_start_together_draw_about_one_copy_and_trade_the_rest(site: Site) -> None:
    stop = asyncio.Event()
    hosts = ["a", "b", "c"]
    sparing = {
        host: replace(site.options(host), prefer=dcdist.Prefer.EGRESS, rates=dcdist.Rates(store=2e6), seed_for=60.0)
        for host in hosts
    }
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(site.fetch(host, sparing[host], stop)) for host in hosts]
        while not all(any(isinstance(event, Seeding) for event in site.events.get(host, [])) for host in hosts):
            await asyncio.sleep(0.05)
        stop.set()
    fetched = [task.result() for task in running]

    assert all(site.image(host) == IMAGE for host in hosts)
    drawn = sum(each.bytes.store for each in fetched)
    assert site.release.layer_bytes <= drawn <= 1.3 * site.release.layer_bytes
    assert all(each.bytes.peers > 0 for each in fetched)
    assert [each.peers_seen for each in fetched] == [2, 2, 2]


async def test_a_host_without_the_store_gets_its_payload_from_peers_alone(site: Site) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(site.fetch("a", replace(site.options("a"), seed_for=600.0), stop))
        fetched = await site.fetch("b", replace(site.options("b"), draw=False))
        stop.set()

    assert site.image("b") == IMAGE
    assert fetched.bytes.store == 0
    assert fetched.bytes.peers >= site.release.layer_bytes


async def test_a_fetch_that_is_cancelled_goes_on_where_it_was(site: Site) -> None:
    slow = replace(site.options("a"), rates=dcdist.Rates(store=3e6))
    task = asyncio.create_task(site.fetch("a", slow))
    while not any(isinstance(event, Progress) and event.layer_bytes > 2 * MIB for event in site.events.get("a", [])):
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not (site.folder / "a" / "images" / "web.img").exists()

    fetched = await site.fetch("a")
    assert site.image("a") == IMAGE
    assert fetched.bytes.reused > 2 * MIB
    assert fetched.bytes.reused + fetched.bytes.store == site.release.layer_bytes


async def test_a_second_fetch_uses_what_the_first_one_brings_into_the_same_cache(site: Site) -> None:
    first = replace(site.options("a"), rates=dcdist.Rates(store=4e6))
    second = replace(site.options("b"), cache=first.cache)
    async with asyncio.TaskGroup() as group:
        group.create_task(site.fetch("a", first))
        while not any(isinstance(event, Progress) for event in site.events.get("a", [])):
            await asyncio.sleep(0.02)
        attached = group.create_task(site.fetch("b", second))

    assert any(isinstance(event, Waiting) for event in site.events["b"])
    assert site.image("b") == IMAGE
    assert attached.result().bytes.store == 0
    assert attached.result().bytes.reused == site.release.layer_bytes


async def test_a_damaged_layer_in_the_cache_is_found_and_then_mended(site: Site) -> None:
    await site.fetch("a")
    data = site.layer_data("a")
    status = data.stat()
    with data.open("r+b") as file:
        file.seek(3 * MIB)
        file.write(b"\xff" * 100)
    # As a failing disk would do it: nothing tells that the file changed.
    os.utime(data, ns=(status.st_atime_ns, status.st_mtime_ns))
    (site.folder / "a" / "images" / "web.img").unlink()

    with pytest.raises(IntegrityError, match="Run the same command again"):
        await site.fetch("a")
    assert not (site.folder / "a" / "images" / "web.img").exists()
    fetched = await site.fetch("a")
    assert site.image("a") == IMAGE
    assert 0 < fetched.bytes.store <= 2 * MIB
    troubles = [each for each in site.events["a"] if isinstance(each, Troubled)]
    assert [(each.kind, each.source) for each in troubles] == [(Trouble.CORRUPT, str(data))]


async def test_wrong_bytes_in_the_store_never_reach_an_image_and_their_source_is_named(site: Site) -> None:
    segment = site.segment()
    good = segment.read_bytes()
    segment.write_bytes(good[: 5 * MIB] + b"\x00" * 1000 + good[5 * MIB + 1000 :])
    task = asyncio.create_task(site.fetch("a"))
    while not site.events.get("a") or not site.troubles("a"):
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert str(site.store) in site.troubles("a")[0]
    assert "are wrong" in site.troubles("a")[0]
    assert not (site.folder / "a" / "images" / "web.img").exists()


async def test_what_the_store_has_lost_comes_from_a_peer(site: Site) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(site.fetch("a", replace(site.options("a"), seed_for=600.0), stop))
        while not any(isinstance(event, Seeding) for event in site.events.get("a", [])):
            await asyncio.sleep(0.02)
        site.segment().unlink()
        await site.fetch("b")
        stop.set()

    assert site.image("b") == IMAGE


async def test_a_store_that_has_lost_a_segment_ends_the_fetch_with_the_reason(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driving, "PlannerOptions", partial(PlannerOptions, lasting_patience=1.0))
    site.segment().unlink()

    with pytest.raises(FetchFailedError, match="publish it again"):
        await site.fetch("a")


async def test_too_little_room_is_told_before_the_first_byte(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dcdist.disk.destination.free_bytes", lambda _: 1000)

    with pytest.raises(DiskFullError) as caught:
        await site.fetch("a")
    assert caught.value.needed > caught.value.free == 1000
    assert list((site.folder / "a" / "cache").glob("layers/*/data")) == []


async def test_an_image_that_the_release_lacks_is_named_with_those_it_has(site: Site) -> None:
    with pytest.raises(UsageError, match=r"no image 'db.img'; it has: web.img"):
        await site.fetch("a", replace(site.options("a"), images=("db.img",)))


async def test_an_update_moves_only_what_is_new_and_takes_moved_frames_from_the_cache(site: Site) -> None:
    await site.fetch("a")
    # Most of the old layer is dead: its live frames are moved into a new one.
    kept = IMAGE[: 2 * MIB]
    changed = kept + noise(9, MIB)
    site.release = (await Publisher(site.store).publish("web@2", {"web.img": changed})).release
    fetched = await site.fetch("a")

    assert site.image("a") == changed
    assert site.release.layer_bytes < 4 * MIB
    assert fetched.bytes.reused > MIB
    assert fetched.bytes.store < 2 * MIB


async def test_a_host_tells_others_that_it_needs_only_what_it_does_not_hold(site: Site) -> None:
    await site.fetch("a")
    (site.folder / "a" / "images" / "web.img").unlink()
    here = {entry.name for entry in site.release.layers}
    more = {"web.img": IMAGE, "more.img": noise(9, 2 * MIB)}
    site.release = (await Publisher(site.store).publish("web@2", more)).release
    lacking = {number for number, entry in enumerate(site.release.layers) if entry.name not in here}
    assert len(lacking) == 1 < len(site.release.layers)
    task = asyncio.create_task(site.fetch("a", replace(site.options("a"), rates=dcdist.Rates(store=1e5))))
    while not (told := [each for each in await site.heartbeats() if each.sequence]):
        await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert [set(pieces.each(each.needs)) for each in told] == [lacking]


async def test_peers_that_come_and_go_do_not_stop_a_fetch(site: Site) -> None:
    sparing = replace(site.options("b"), prefer=dcdist.Prefer.EGRESS, rates=dcdist.Rates(store=2e6))
    other = replace(sparing, dest=site.options("a").dest, cache=site.options("a").cache)
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(site.fetch("a", other))
        group.create_task(site.fetch("b", sparing))
        while not any(isinstance(event, Progress) and event.bytes.peers for event in site.events.get("b", [])):
            await asyncio.sleep(0.02)
        leaving.cancel()

    assert site.image("b") == IMAGE


async def test_hosts_trade_over_ipv6(site: Site) -> None:
    stop = asyncio.Event()
    here = {host: replace(site.options(host), reach=dcdist.Reach(listen=("::1", 0))) for host in ("a", "b")}
    async with asyncio.TaskGroup() as group:
        group.create_task(site.fetch("a", replace(here["a"], seed_for=600.0), stop))
        fetched = await site.fetch("b", replace(here["b"], draw=False))
        stop.set()

    assert site.image("b") == IMAGE
    assert fetched.bytes.peers >= site.release.layer_bytes


async def test_a_host_that_nobody_can_connect_to_fetches_from_the_store_and_says_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OwnAddress, "now", lambda self, listening: None)
    fetched = await site.fetch("a")

    assert site.image("a") == IMAGE
    assert fetched.bytes.store == site.release.layer_bytes
    (trouble,) = site.troubles("a")
    assert "cannot find this one" in trouble
    assert "--advertise" in trouble


async def test_a_host_that_needs_the_others_must_be_one_that_they_can_connect_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(OwnAddress, "now", lambda self, listening: None)
    with pytest.raises(UsageError, match="--advertise"):
        await site.fetch("a", replace(site.options("a"), draw=False))
    with pytest.raises(UsageError, match="--advertise"):
        await dcdist.seed(site.store, site.release, site.options("a"), report=lambda _: None, stop=asyncio.Event())


async def test_a_host_whose_address_changes_announces_the_new_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    address, stop = ["127.0.0.1"], asyncio.Event()
    monkeypatch.setattr(OwnAddress, "now", lambda self, listening: (address[0], listening[0][1]))
    async with asyncio.TaskGroup() as group:
        group.create_task(site.fetch("a", replace(site.options("a"), seed_for=600.0), stop))
        while not (told := await site.heartbeats()):
            await asyncio.sleep(0.02)
        assert {each.address for each in told} == {"127.0.0.1"}
        address[0] = "127.0.0.5"
        while {each.address for each in await site.heartbeats()} != {"127.0.0.5"}:
            await asyncio.sleep(0.02)
        stop.set()


async def test_an_announced_address_of_a_family_that_is_not_listened_on_is_told(site: Site) -> None:
    reach = dcdist.Reach(listen=("127.0.0.1", 0), advertise=("fd00::5", 6881))
    await site.fetch("a", replace(site.options("a"), reach=reach))

    (trouble,) = site.troubles("a")
    assert "listens on IPv4 only, and announces fd00::5" in trouble


async def test_a_store_behind_plain_http_is_enough(site: Site) -> None:
    async with (
        serve_directory(site.folder / "store") as url,
        dcdist.open_store(url, environment={}) as store,
    ):
        release = await dcdist.find_release(store, "web@1", trust=[KEY.public])
        told: list[FetchEvent] = []
        fetched = await dcdist.fetch(store, release, site.options("a"), report=told.append)

    assert site.image("a") == IMAGE
    assert fetched.bytes.store == site.release.layer_bytes
    assert fetched.advertised is None
    (trouble,) = [event for event in told if isinstance(event, Troubled)]
    assert trouble.kind is Trouble.RENDEZVOUS
    assert "hosts cannot find each other through http" in trouble.message
