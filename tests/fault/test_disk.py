"""A host's disk: full in the middle of a fetch, and then with room again; read-only; one cache for two fetches."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import DiskError
from tests.support.fault_site import MIB
from tests.support.file_systems import make_file_system, make_read_only, mounted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.fault_site import FaultSite

SLOW = ("--no-swarm", "--store-rate", "2MB")
without_root = os.geteuid() != 0


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MiB, as a host's own."""
    place = tmp_path / "small"
    place.mkdir()
    make_file_system(tmp_path / "disk", 96 * MIB)
    with mounted(tmp_path / "disk", place):
        yield place


@pytest.mark.root
@pytest.mark.skipif(without_root, reason="a loop mount needs root")
@pytest.mark.parametrize("option", ["--cache", "--dest"])
async def test_a_disk_that_is_full_in_the_middle_ends_the_fetch_and_with_room_again_it_goes_on(
    site: FaultSite, small: Path, option: str
) -> None:
    place = small / "place"
    async with site.host("a", *SLOW, option, place) as host:
        await host.has(3 * MIB)
        _fill(small / "ballast")
        code = await host.done()
    error = host.records[-1]
    parts = [path.name for path in place.glob("*.img")]
    (small / "ballast").unlink()
    async with site.host("a", "--no-swarm", option, place) as host:
        done = await host.succeeded()

    assert (code, error["kind"]) == (DiskError.exit_code, "DiskFullError")
    assert error["path"].startswith(str(place))
    assert error["path"] in error["message"]
    assert "make room" in error["message"]
    assert parts == []
    assert done["bytes"]["reused"] > MIB
    assert ((place if option == "--dest" else site.dest()) / "web.img").read_bytes() == site.image


@pytest.mark.root
@pytest.mark.skipif(without_root, reason="a loop mount needs root")
@pytest.mark.parametrize("option", ["--cache", "--dest"])
async def test_a_disk_that_may_only_be_read_is_named_before_anything_is_fetched(
    site: FaultSite, small: Path, option: str
) -> None:
    (small / "place").mkdir()
    make_read_only(small)
    async with site.host("a", *SLOW, option, small / "place") as host:
        code = await host.done()
    error = host.records[-1]

    assert (code, error["kind"]) == (DiskError.exit_code, "DiskError")
    assert error["path"].startswith(str(small / "place"))
    assert "the file system is read-only; mount it writable, or choose another folder" in error["message"]
    assert site.swift.sent_bytes(f"{site.container}/demos/layers/") < MIB


async def test_a_second_fetch_on_the_same_cache_takes_what_the_first_one_brings(site: FaultSite) -> None:
    """Two commands at once, each with images of its own."""
    cache = site.folder / "a" / "cache"
    async with site.host("a", *SLOW) as first:
        await first.has(2 * MIB)
        async with site.host("b", "--no-swarm", "--cache", cache) as second:
            waiting = await second.says("waiting")
            done, reused = await asyncio.gather(first.succeeded(), second.succeeded())

    assert waiting["layer"] == str(site.release.layers[0].name)
    assert site.is_right("a")
    assert site.is_right("b")
    assert done["bytes"]["store"] == site.release.layer_bytes
    assert (reused["bytes"]["store"], reused["bytes"]["reused"]) == (0, site.release.layer_bytes)


def _fill(ballast: Path) -> None:
    """Take all the room that there is."""
    with ballast.open("wb", buffering=0) as out:
        try:
            while True:
                out.write(bytes(64 << 10))
        except OSError:
            pass
