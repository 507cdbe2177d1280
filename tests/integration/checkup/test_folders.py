"""Examines folders as they are on real file systems; nothing stays in them."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.checkup.findings.finding import Check, FindingState
from dcdist.checkup.findings.folder_findings import Demand
from dcdist.checkup.folder_checks import check_folder, look_at
from dcdist.checkup.room_checks import rooms_needed
from dcdist.disk.free_space import file_system
from dcdist.errors import DiskError, DiskFullError
from tests.support.checkups import LOOPBACK, found, in_state, publish
from tests.support.file_systems import make_file_system, make_read_only, mounted
from tests.support.publishing import KEY

if TYPE_CHECKING:
    from pathlib import Path

MIB = 1 << 20


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "layers").mkdir()
    seen = look_at(tmp_path)

    assert (seen.exists, seen.lacks, seen.not_sparse) == (True, (), False)
    assert seen.written in {8 * MIB, 64 * MIB}
    assert seen.file_system == tmp_path.stat().st_dev
    assert [path.name for path in tmp_path.iterdir()] == ["layers"]


def test_a_folder_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    assert not look_at(tmp_path / "a" / "b").exists
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    told = f"cannot write in {tmp_path}/file/cache: {tmp_path}/file is a file, not a folder: remove it"
    with pytest.raises(DiskError, match=re.escape(told)):
        look_at(tmp_path / "file" / "cache")


async def _demand(url: str, tmp_path: Path, *, dest: Path | None) -> Demand:
    """What a fetch of `web@1` still asks of the one file system of its folders."""
    async with dcdist.open_store(url, environment={}) as store:
        release = await dcdist.find_release(store, "web@1", trust=[KEY.public])
        (room,) = await rooms_needed(store, [release], cache=tmp_path / "cache", dest=dest)
    return room.on(file_system(tmp_path))


async def test_the_room_that_a_fetch_asks_for_is_summed_over_its_folders_and_shrinks_as_it_is_done(
    tmp_path: Path,
) -> None:
    url, dest = (tmp_path / "store").as_uri(), tmp_path / "images"
    await publish(url, {})
    before = await _demand(url, tmp_path, dest=dest)
    layers = await _demand(url, tmp_path, dest=None)
    async with dcdist.open_store(url, environment={}) as store:
        release = await dcdist.find_release(store, "web@1", trust=[KEY.public])
        options = dcdist.FetchOptions(dest=dest, cache=tmp_path / "cache", swarm=False)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("dcdist.disk.cache.free_bytes", lambda _: before.needed - 1)
            with pytest.raises(DiskFullError) as refused:
                await dcdist.fetch(store, release, options, report=lambda _: None)
        await dcdist.fetch(store, release, options, report=lambda _: None)

    assert before == Demand("web@1", release.layer_bytes + 400_000, exact=True)
    assert layers.needed == release.layer_bytes
    assert refused.value.needed == before.needed
    assert await _demand(url, tmp_path, dest=dest) == Demand("web@1", 0, exact=True)
    (dest / "web.img").unlink()
    assert (await _demand(url, tmp_path, dest=dest)).needed == 400_000


async def test_a_host_on_whose_disk_the_newest_release_does_not_fit_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = (tmp_path / "store").as_uri()
    await publish(url, {})
    monkeypatch.setattr("dcdist.checkup.folder_checks.free_bytes", lambda _: 600_000)
    reach = dcdist.Reach(listen=LOOPBACK)
    request = dcdist.CheckupRequest(
        url, trust=(KEY.public,), cache=tmp_path / "cache", dest=tmp_path / "images", reach=reach
    )
    together = await dcdist.examine(request, environment={})
    alone = await dcdist.examine(replace(request, dest=None), environment={})

    assert in_state(together, FindingState.FAILED) == {Check.CACHE, Check.DESTINATION}
    assert "600 kB free, shared with" in found(together)[Check.CACHE].message
    assert "too little: web@1 still needs 800 kB" in found(together)[Check.CACHE].message
    assert alone.ready, alone


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_small_or_read_only_file_system_is_said(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    make_file_system(tmp_path / "file", 64 * MIB)
    with mounted(tmp_path / "file", tmp_path / "disk"):
        seen = look_at(tmp_path / "disk")
        assert seen.written == 0
        assert seen.free < 64 * MIB
        make_read_only(tmp_path / "disk")
        with pytest.raises(DiskError, match="the file system is read-only; mount it writable, or choose another"):
            look_at(tmp_path / "disk" / "cache")


async def test_a_cache_that_others_may_write_to_fails_and_a_destination_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)

    async def no_demands(_: int) -> list[Demand]:
        return []

    with pytest.raises(DiskError, match=r"all users may write to it .* chmod -R go-w"):
        await check_folder(Check.CACHE, tmp_path / "shared", demands=no_demands, other=None)
    finding = await check_folder(Check.DESTINATION, tmp_path / "shared", demands=no_demands, other=None)
    assert finding.state is FindingState.WARNING
    assert "other users can replace what is in it" in finding.message
    assert finding.advice == f"chmod go-w {tmp_path}/shared"
