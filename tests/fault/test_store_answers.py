"""The store answers, but not what it should: refusals, bodies that break off, other bytes than were asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.engine.fetch_events import Trouble, Troubled
from dcdist.errors import FetchFailedError, IntegrityError, ObjectMissingError, ReleaseMissingError
from tests.support.fault_site import MIB, publish_site
from tests.support.publishing import noise
from tests.support.swarms import until
from tools.lab.swift import Fault

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.fault_site import FaultSite
    from tools.lab.swift import Swift

REFUSALS = [(status, headers) for status in (429, 498, 503) for headers in ((), (("Retry-After", "1"),))]


async def test_a_storm_of_refusals_is_sat_out(
    swift: Swift, container: str, tmp_path: Path, often: Callable[[int, int], int]
) -> None:
    """Of requests of every kind, from the first on: of each refusal, with and without Retry-After, side by side."""
    storm = often(5, 40)
    refusals = [Fault(status=status, headers=headers, count=storm) for status, headers in REFUSALS]
    sites = await _sites(swift, container, tmp_path, len(refusals))
    refused = list(zip(sites, refusals, strict=True))
    swift.order(
        *(replace(each, path=f"{site.container}/demos/releases", count=2) for site, each in refused),
        *(replace(each, path=site.segment) for site, each in refused),
    )
    results = await asyncio.gather(*(site.fetch() for site in sites))

    for (site, refusal), fetched in zip(refused, results, strict=True):
        assert site.is_right(), refusal
        told, left = _told_and_left(site)
        assert 2 + storm - left <= len(told) <= 2 + storm, refusal
        assert all(f"answered {refusal.status}" in trouble.message for trouble in told)
        assert {trouble.source for trouble in told[2:]} == {site.segment_source}
        assert left or fetched.bytes.store == site.release.layer_bytes, refusal


async def test_a_token_that_expires_in_the_middle_is_renewed(site: FaultSite) -> None:
    slow = replace(site.options(), rates=dcdist.Rates(store=6e6))
    task = asyncio.create_task(site.fetch(options=slow))
    for _ in range(3):
        came = site.came()
        await until(partial(_has_more_than, site, came))
        site.swift.expire_tokens()
    await task

    assert site.is_right()
    assert site.troubles(Trouble.STORE) == []


def _has_more_than(site: FaultSite, came: int) -> bool:
    return site.came() > came


BREAKS = {
    "short bodies": Fault(truncate=200_000, count=4),
    "empty bodies": Fault(truncate=0, count=4),
    "resets": Fault(truncate=200_000, reset=True, count=4),
    "the whole object for a range": Fault(whole=True, skip=1, count=1),
    "another range": Fault(headers=(("Content-Range", "bytes 0-9/12345"),), count=1),
    "server errors": Fault(status=500, count=4),
    "a lost object": Fault(status=404, count=1),
    "a refusal": Fault(status=403, count=1),
}


async def test_what_breaks_now_and_then_is_asked_for_again(swift: Swift, container: str, tmp_path: Path) -> None:
    """Each of these at a site of its own, side by side."""
    sites = await _sites(swift, container, tmp_path, len(BREAKS))
    broken = list(zip(sites, BREAKS.items(), strict=True))
    swift.order(*(replace(fault, path=site.segment) for site, (_, fault) in broken))
    await asyncio.gather(*(site.fetch() for site in sites))

    for site, (name, fault) in broken:
        assert fault.count is not None
        assert site.is_right(), name
        told, left = _told_and_left(site)
        assert fault.count - left <= len(told) <= fault.count, name
        assert {trouble.source for trouble in told} == {site.segment_source}, name


async def test_a_body_that_stalls_is_left_and_its_rest_comes_anew(site: FaultSite) -> None:
    site.swift.order(Fault(path=site.segment, truncate=300_000, stall=60.0, count=2))
    fetched = await site.fetch()

    assert site.is_right()
    assert {trouble.source for trouble in site.troubles(Trouble.STORE)} == {site.segment_source}
    assert fetched.bytes.store <= site.release.layer_bytes + 2 * 300_000


async def test_bodies_that_drip_end_too(site: FaultSite) -> None:
    """Each brings a byte now and then, so none is a stall."""
    site.swift.order(Fault(path=site.segment, rate=4000, count=2))
    await site.fetch()

    assert site.is_right()


async def test_an_object_that_is_replaced_by_the_same_bytes_is_no_fault(site: FaultSite) -> None:
    slow = replace(site.options(), rates=dcdist.Rates(store=6e6))
    task = asyncio.create_task(site.fetch(options=slow))
    await until(lambda: site.came() > MIB)
    await _replace_segment(site, lambda body: body)
    await task

    assert site.is_right()


@pytest.mark.usefixtures("hasty")
async def test_an_object_that_changes_in_the_middle_is_noticed_and_named(site: FaultSite) -> None:
    slow = replace(site.options(), rates=dcdist.Rates(store=1.5e6))
    task = asyncio.create_task(site.fetch(options=slow))
    await until(lambda: site.came() > MIB)
    await _replace_segment(site, lambda body: body[::-1])

    with pytest.raises(FetchFailedError, match="wrong"):
        await task
    (remark,) = site.troubles(Trouble.WORKAROUND)
    assert (remark.source, "comes in versions" in remark.message) == (site.segment_source, True)
    assert {trouble.source for trouble in site.troubles(Trouble.CORRUPT)} == {site.segment_source}
    assert not (site.dest() / "web.img").exists()


@pytest.mark.parametrize("trading", [False, True], ids=["alone", "in a swarm"])
async def test_a_byte_that_is_corrupt_on_the_way_is_found_named_and_fetched_again(
    site: FaultSite, trading: bool
) -> None:
    # In every answer, also that with the last piece, which is short.
    site.swift.order(Fault(path=site.segment, corrupt=10_000, count=3))
    await site.fetch(options=site.trading("a") if trading else None)

    assert site.is_right()
    corrupt, left = site.troubles(Trouble.CORRUPT), site.troubles(Trouble.STORE)
    # What came of a request that was left (on a starved machine) is thrown away without a look.
    assert 3 - len(left) <= len(corrupt) <= 3
    assert {trouble.source for trouble in corrupt} == {site.segment_source}


async def test_a_byte_that_is_corrupt_in_a_segment_is_found_named_and_comes_from_a_peer(site: FaultSite) -> None:
    async with site.host("good", "--listen", "127.0.0.1:0", command="seed") as seeder:
        await seeder.says("seeding")
        await _replace_segment(site, _with_one_wrong_byte)
        async with site.host("a", "--listen", "127.0.0.1:0", "--down-rate", "4MB") as host:
            await host.succeeded()

    assert site.is_right()
    assert {trouble["source"] for trouble in host.troubles(Trouble.CORRUPT)} <= {site.segment_source}


@pytest.mark.usefixtures("hasty")
async def test_a_byte_that_is_corrupt_in_a_segment_and_nobody_has_right_ends_the_fetch_and_is_never_in_an_image(
    site: FaultSite,
) -> None:
    await _replace_segment(site, _with_one_wrong_byte)

    with pytest.raises(FetchFailedError, match=r"bytes of piece 20 of layer [0-9a-f]{32} are wrong"):
        await site.fetch()
    assert not (site.dest() / "web.img").exists()
    assert {trouble.source for trouble in site.troubles(Trouble.CORRUPT)} == {site.segment_source}
    assert len(site.troubles(Trouble.CORRUPT)) == 6


@pytest.mark.usefixtures("hasty")
async def test_a_piece_that_is_corrupt_for_a_moment_is_asked_for_until_it_is_right(site: FaultSite) -> None:
    """Five times in a row, the only piece that is missing."""
    small = await publish_site(site.swift, f"{site.container}-small", site.folder, noise(44, 100_000))
    site.swift.order(Fault(path=small.segment, corrupt=1000, count=5))
    await small.fetch()

    assert small.is_right()
    assert [trouble.source for trouble in small.troubles(Trouble.CORRUPT)] == [small.segment_source] * 5


DESCRIPTIONS = {"index": "/index", "images/": "demos/images/", "releases/web/1": "demos/releases/web/1"}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("part", DESCRIPTIONS)
async def test_a_description_that_is_corrupt_for_a_moment_is_asked_for_until_it_is_right(
    site: FaultSite, part: str
) -> None:
    site.swift.order(Fault(path=DESCRIPTIONS[part], corrupt=70, count=3))
    await site.fetch()

    assert site.is_right()
    corrupt = site.troubles(Trouble.CORRUPT)
    assert len(corrupt) == 3
    assert all(part in trouble.source for trouble in corrupt)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("part", ["index", "images/"])
@pytest.mark.parametrize("status", [403, 404])
async def test_a_description_that_is_missing_for_a_moment_is_asked_for_until_it_is_there(
    site: FaultSite, part: str, status: int
) -> None:
    site.swift.order(Fault(path=DESCRIPTIONS[part], status=status, count=3))
    await site.fetch()

    assert site.is_right()
    troubles = site.troubles(Trouble.STORE)
    assert len(troubles) == 3
    assert all(part in trouble.source and "the next is in" in trouble.message for trouble in troubles)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("part", ["index", "images/"])
async def test_a_description_that_is_missing_for_good_is_named_and_what_was_tried(site: FaultSite, part: str) -> None:
    site.swift.order(Fault(path=DESCRIPTIONS[part], status=404, count=None))
    with pytest.raises(ObjectMissingError, match=r"tried \d+ times in \d+ s; the release is damaged") as caught:
        await site.fetch()

    assert part in str(caught.value)


async def test_a_release_that_is_not_there_is_told_at_once(site: FaultSite) -> None:
    site.swift.order(Fault(path=DESCRIPTIONS["releases/web/1"], status=404, count=1))
    with pytest.raises(ReleaseMissingError):
        await site.fetch()


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("part", DESCRIPTIONS)
async def test_a_description_that_is_corrupt_in_the_store_is_named(site: FaultSite, part: str) -> None:
    site.swift.order(Fault(path=DESCRIPTIONS[part], corrupt=70, count=None))
    with pytest.raises(IntegrityError, match=r"tried \d+ times") as caught:
        await site.fetch()

    assert site.url in str(caught.value)
    assert part in str(caught.value)
    assert not (site.dest() / "web.img").exists()


async def _sites(swift: Swift, container: str, folder: Path, count: int) -> list[FaultSite]:
    return [await publish_site(swift, f"{container}-{number}", folder / str(number)) for number in range(count)]


def _told_and_left(site: FaultSite) -> tuple[list[Troubled], int]:
    """What was told of the store, and how many requests were dropped beside, without a byte for seconds.

    That happens on a starved machine; what would have come of them, be it a fault, is thrown away without a look.
    """
    troubles = site.troubles(Trouble.STORE)
    told = [trouble for trouble in troubles if "it was dropped and will be retried" not in trouble.message]
    return told, len(troubles) - len(told)


async def _replace_segment(site: FaultSite, change: Callable[[bytes], bytes]) -> None:
    (entry,) = site.release.layers
    key = f"layers/{entry.name}/segments/00000"
    async with dcdist.open_store(site.url, environment=site.environment()) as store:
        await store.put(key, change(await store.get(key, limit=64 * MIB)))


def _with_one_wrong_byte(body: bytes) -> bytes:
    at = 5 * MIB + 7
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
