"""File systems that lack what others have: hard links, folders that can be synced. Everything still works."""

from __future__ import annotations

import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.errors import DiskError, ObjectExistsError, StoreDeniedError, StoreError, UsageError
from dcdist.folder_sync import NO_LINKS, NOT_OFFERED
from dcdist.node.key_files import generate_keys
from tests.support.publishing import KEY, Publisher, noise

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.model.trouble import Troubled

IMAGE = noise(5, 300_000)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["dcdist.publishing.publish_run"], "READ_BACK", 0.0)


def without_links(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Hard links are refused from now on."""

    def refused(target: object, link: object, **_: object) -> None:
        raise OSError(number, os.strerror(number), str(target), None, str(link))

    monkeypatch.setattr(os, "link", refused)


def without_folder_sync(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Folders cannot be synced from now on; files can."""
    fsync = os.fsync

    def refusing(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refusing)


async def publish_and_fetch(folder: Path) -> tuple[bytes, list[Troubled]]:
    """The image that comes out, and what the store was said to lack."""
    told: list[Troubled] = []
    (folder / "metadata").mkdir()
    (folder / "metadata" / "note.txt").write_text("hello")
    async with dcdist.open_store((folder / "store").as_uri(), environment={}, report=told.append) as store:
        published = await Publisher(store, metadata=folder / "metadata").publish("web@1", {"web.img": IMAGE})
        assert not published.existed
        release = await dcdist.find_release(store, "web", trust=[KEY.public])
        options = dcdist.FetchOptions(dest=folder / "images", cache=folder / "cache", swarm=False)
        await dcdist.fetch(store, release, options, report=lambda _: None)
    assert (folder / "images" / "metadata" / "note.txt").read_text() == "hello"
    return (folder / "images" / "web.img").read_bytes(), told


@pytest.mark.parametrize("number", sorted(NOT_OFFERED), ids=errno.errorcode.get)
async def test_where_folders_cannot_be_synced_a_release_is_published_and_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_folder_sync(monkeypatch, number)

    assert await publish_and_fetch(tmp_path) == (IMAGE, [])


async def test_a_folder_that_fails_to_sync_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as store:
        await Publisher(store).publish("web@1", {"web.img": IMAGE})
        release = await dcdist.find_release(store, "web", trust=[KEY.public])
        without_folder_sync(monkeypatch, errno.EIO)
        options = dcdist.FetchOptions(dest=tmp_path / "images", cache=tmp_path / "cache", swarm=False)
        with pytest.raises(DiskError, match="input/output error"):
            await dcdist.fetch(store, release, options, report=lambda _: None)


@pytest.mark.parametrize("number", sorted(NO_LINKS), ids=errno.errorcode.get)
async def test_without_hard_links_a_release_is_published_and_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    without_links(monkeypatch, number)
    image, told = await publish_and_fetch(tmp_path)

    assert image == IMAGE
    assert [(each.kind, "has no hard links" in each.message) for each in told] == [("workaround", True)]


async def test_without_hard_links_what_is_there_stays_and_creates_exclude_each_other_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dcdist.open_store(tmp_path.as_uri(), environment={}) as store:
        await store.put("first", b"1", if_absent=True)
        without_links(monkeypatch, errno.EOPNOTSUPP)
        with pytest.raises(ObjectExistsError):
            await store.put("first", b"2", if_absent=True)
        await store.put("second", b"2", if_absent=True)
        with pytest.raises(ObjectExistsError):
            await store.put("second", b"3", if_absent=True)

        assert not store.capabilities.creates_once
        assert [await store.get(key, limit=1) for key in ("first", "second")] == [b"1", b"2"]
    assert sorted(os.listdir(tmp_path)) == ["first", "second"]


async def test_a_refused_link_for_another_reason_ends_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without_links(monkeypatch, errno.EACCES)
    async with dcdist.open_store(tmp_path.as_uri(), environment={}) as store:
        with pytest.raises(StoreDeniedError):
            await store.put("key", b"1", if_absent=True)


async def test_a_file_where_a_folder_should_be_ends_a_put_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder").write_bytes(b"")
    told: list[Troubled] = []
    async with dcdist.open_store(tmp_path.as_uri(), environment={}, report=told.append) as store:
        with pytest.raises(StoreError, match="is in the way: it is not a folder"):
            await store.put("folder/key", b"1")

    assert told == []


def test_without_hard_links_keys_are_made_and_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_links(monkeypatch, errno.EPERM)
    made = generate_keys(tmp_path)
    before = made.key.read_bytes()
    with pytest.raises(UsageError, match="never overwritten"):
        generate_keys(tmp_path)

    assert made.key.read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["publisher.key", "publisher.pub"]
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600
