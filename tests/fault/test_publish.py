"""A publish that the store does not take: full or read-only, before it begins or in the middle; and two at once."""

from __future__ import annotations

import asyncio
import os
import re
from typing import TYPE_CHECKING

import aiohttp
import pytest

import dcdist
from dcdist.errors import ReleaseExistsError, StoreDeniedError, StoreError, StoreFullError, StoreThrottledError
from dcdist.publishing import Cut
from tests.support.fault_site import IMAGE, MIB, FaultSite, publish_site
from tests.support.file_systems import make_file_system, mounted
from tests.support.publishing import KEY, Publisher, noise
from tools.lab.swift import Fault, Swift
from tools.lab.swift_config import READER

if TYPE_CHECKING:
    from pathlib import Path

NEXT = noise(50, 80 * MIB)
"""Of the next version: two segments, and a lot that is in the store before the second is written."""

SEGMENT = 64 * MIB
QUOTA = "X-Container-Meta-Quota-Bytes"


class Reader(FaultSite):
    """As one sees it who may only read."""

    def environment(self, port: int | None = None) -> dict[str, str]:
        """What such a user signs in with."""
        return {**super().environment(port), "ST_USER": READER}


async def visible(site: FaultSite) -> list[str]:
    """The releases that the store shows."""
    async with site.store() as store:
        return [str(entry.release.name) for entry in (await dcdist.list_releases(store)).readable]


async def fetched(site: FaultSite, name: str) -> bytes:
    """The image of a release as a host gets it."""
    async with site.store() as store:
        release = await dcdist.find_release(store, name, trust=[KEY.public])
        await dcdist.fetch(store, release, site.options(), report=print)
    return (site.dest() / "web.img").read_bytes()


async def configure_container(site: FaultSite, **headers: str) -> None:
    """Change the settings of the container, as its owner may."""
    signing_in = {"X-Auth-User": site.swift.environment["ST_USER"], "X-Auth-Key": site.swift.environment["ST_KEY"]}
    async with aiohttp.ClientSession() as client:
        async with client.get(site.swift.environment["ST_AUTH"], headers=signing_in) as answer:
            token = {"X-Auth-Token": answer.headers["X-Auth-Token"]}
        url = f"{site.swift.storage_url}/{site.container}"
        async with client.post(url, headers={**token, **headers}) as answer:
            assert answer.status == 204


async def stored_bytes(site: FaultSite) -> int:
    """Of all objects in the container."""
    async with dcdist.open_store(f"swift://{site.container}", environment=site.environment()) as store:
        return sum(entry.size for entry in (await store.list("")).entries)


PLACES = {
    "the journal": "demos/publishes/",
    "a segment": "/segments/",
    "an index": "/index",
    "a chunk list": "/chunks",
    "extents": "demos/images/",
    "the manifest": "demos/releases/",
}
REFUSALS: dict[int, tuple[type[StoreError], str]] = {
    403: (StoreDeniedError, r"not allowed with these credentials; use others"),
    413: (StoreFullError, r"over the quota; free some space or raise the quota"),
    503: (StoreThrottledError, r"the store is overloaded, full or down; tried 3 times in \d+ s: run it again"),
    507: (StoreFullError, r"the store is full; make room there"),
}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("place", "status"),
    [*((place, 507) for place in PLACES), *(("a segment", status) for status in REFUSALS if status != 507)],
)
async def test_a_publish_that_the_store_refuses_shows_nothing_and_goes_on_later(
    site: FaultSite, place: str, status: int
) -> None:
    """Whatever it refuses to take: the error names it, and the next try uploads what is missing."""
    kind, advice = REFUSALS[status]
    content = IMAGE + noise(51, 3 * MIB)
    site.swift.order(Fault(path=PLACES[place], method="PUT", status=status, count=None))
    async with site.store() as store:
        with pytest.raises(kind, match=advice) as caught:
            await Publisher(store).publish("web@2", {"web.img": content})
        assert PLACES[place].removeprefix("demos/") in f"/{caught.value.key}"
        assert re.match(rf"{re.escape(site.url)}: PUT .* answered {status}\b", str(caught.value))
        assert await visible(site) == ["web@1"]
        site.swift.order()
        published = await Publisher(store).publish("web@2", {"web.img": content})

    # The layer's 3 MiB were in the store already, unless it was they that were refused.
    assert published.uploaded < (4 * MIB if place in {"the journal", "a segment"} else MIB)
    assert await fetched(site, "web@2") == content


async def test_a_quota_that_is_reached_in_the_middle_of_a_publish_is_said_and_more_room_lets_it_go_on(
    site: FaultSite, tmp_path: Path
) -> None:
    """Swift's own answer, 413, while an image comes through a pipe; a large part of it is in the store by then."""
    pipe = tmp_path / "web.img"
    os.mkfifo(pipe)
    before = await stored_bytes(site)
    async with site.publisher("web@2", pipe) as publisher:
        with await asyncio.to_thread(pipe.open, "wb") as out:
            await asyncio.to_thread(out.write, NEXT[: 76 * MIB])
            while await stored_bytes(site) < before + SEGMENT:
                await asyncio.sleep(0.05)
            await configure_container(site, **{QUOTA: str(before + SEGMENT + MIB)})
            await asyncio.to_thread(out.write, NEXT[76 * MIB :])
        code = await publisher.done()
    error = publisher.records[-1]
    assert await visible(site) == ["web@1"]
    await configure_container(site, **{QUOTA: str(1 << 40)})
    pipe.unlink()
    pipe.write_bytes(NEXT)
    async with site.publisher("web@2", pipe) as publisher:
        published = await publisher.succeeded()

    assert (code, error["kind"], error["store"]) == (StoreFullError.exit_code, "StoreFullError", site.url)
    said = r"PUT layers/\w+/segments/00001 answered 413 .*raise the quota.*publish it again"
    assert re.search(said, error["message"])
    assert published["bytes"]["uploaded"] < len(NEXT) - SEGMENT + MIB
    assert await fetched(site, "web@2") == NEXT


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="a loop mount needs root")
@pytest.mark.usefixtures("hasty")
async def test_a_store_whose_disk_is_full_refuses_a_publish_and_with_space_again_it_goes_on(tmp_path: Path) -> None:
    """Swift's own disk: the object server says 507, and the proxy says 503 in the end."""
    devices = tmp_path / "swift" / "devices"
    devices.mkdir(parents=True)
    make_file_system(tmp_path / "disk", 96 * MIB)
    content = noise(52, 20 * MIB)
    with mounted(tmp_path / "disk", devices), Swift(tmp_path / "swift") as swift:
        site = await publish_site(swift, "full", tmp_path)
        room = os.statvfs(devices)
        ballast = devices / "ballast"
        # Root may use the last blocks as well.
        ballast.write_bytes(bytes(room.f_bfree * room.f_frsize - 8 * MIB))
        async with site.store() as store:
            with pytest.raises(StoreError, match=r"segments/00000 answered 50[37] .* full.*publish it again") as caught:
                await Publisher(store, cut=Cut()).publish("web@2", {"web.img": content})
            assert caught.value.store == site.url
            assert await visible(site) == ["web@1"]
            ballast.unlink()
            await Publisher(store, cut=Cut()).publish("web@2", {"web.img": content})
        assert await fetched(site, "web@2") == content


async def test_a_store_that_may_only_be_read_refuses_a_publish_and_gives_what_it_has(
    site: FaultSite, tmp_path: Path
) -> None:
    """Swift's own answer, 403, to a user whom the container's access list lets read."""
    await configure_container(site, **{"X-Container-Read": f"{READER},.rlistings"})
    image = tmp_path / "web.img"
    image.write_bytes(NEXT)
    reader = Reader(site.swift, site.container, tmp_path, site.release)
    async with reader.publisher("web@2", image) as publisher:
        code = await publisher.done()
    error = publisher.records[-1]

    assert (code, error["kind"], error["store"]) == (StoreDeniedError.exit_code, "StoreDeniedError", site.url)
    assert re.search(r"PUT publishes/\w+ answered 403 .*not allowed with these credentials; use", error["message"])
    assert await visible(site) == ["web@1"]
    await reader.fetch()
    assert site.is_right()


@pytest.mark.parametrize("same", [True, False], ids=["the same images", "other images"])
async def test_of_two_publishers_of_one_version_one_is_believed(site: FaultSite, tmp_path: Path, same: bool) -> None:
    """As processes, at the same moment: with other images one is refused, and never is it a mixture."""
    contents = [noise(60, 9 * MIB), noise(60 if same else 61, 9 * MIB)]
    images = []
    for number, content in enumerate(contents):
        (tmp_path / str(number)).mkdir()
        images.append(tmp_path / str(number) / "web.img")
        images[-1].write_bytes(content)
    async with site.publisher("web@2", images[0]) as first, site.publisher("web@2", images[1]) as second:
        codes = [await first.done(), await second.done()]
    got = await fetched(site, "web@2")

    if same:
        assert codes == [0, 0]
        assert got == contents[0]
    else:
        assert sorted(codes) == [0, ReleaseExistsError.exit_code]
        assert got == contents[codes.index(0)]
        refused = (first, second)[1 - codes.index(0)]
        assert "web@2 exists with other content" in refused.records[-1]["message"]
