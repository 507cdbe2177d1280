"""Fetches into a destination that holds something: all that can be known is checked first; two fetches take turns."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.disk.record_file import load_record
from dcdist.engine.fetch_events import (
    Fetched,
    FileRemoved,
    ImageFinished,
    MetadataWritten,
    Progress,
    ReleaseFound,
    Seeding,
    Waiting,
)
from dcdist.errors import DcdistError, DiskError, DiskFullError, SwarmError, UsageError
from tests.support.publishing import Publisher, noise
from tests.support.swarms import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from dcdist import FetchEvent, FetchOptions, Release, Store

MIB = 1 << 20
FIRST = {"web.img": noise(1, MIB), "x.iso": noise(2, 100_000)}
SECOND = {"web.img": noise(3, MIB + 1)}


@dataclass
class Site:
    """A store with `st@1` and `st@2`, and one host that has fetched `st@1`."""

    store: Store
    folder: Path
    releases: dict[str, Release] = field(default_factory=dict)
    events: list[FetchEvent] = field(default_factory=list)

    @property
    def dest(self) -> Path:
        return self.folder / "images"

    def options(self) -> FetchOptions:
        return dcdist.FetchOptions(dest=self.dest, cache=self.folder / "cache", swarm=False)

    async def fetch(self, name: str, options: FetchOptions | None = None, stop: asyncio.Event | None = None) -> Fetched:
        self.events.clear()
        return await dcdist.fetch(
            self.store, self.releases[name], options or self.options(), report=self.events.append, stop=stop
        )

    async def begun(
        self, options: FetchOptions, awaited: type[FetchEvent], stop: asyncio.Event | None = None
    ) -> asyncio.Task[Fetched]:
        """A fetch of `st@2` that has told something already."""
        self.events.clear()
        task = asyncio.create_task(self.fetch("st@2", options, stop))
        await until(lambda: bool(self.told(awaited)))
        return task

    def found(self) -> dict[str, tuple[int, int]]:
        """Everything in the destination, with inode and time of change of the files."""
        places = [os.path.join(folder, name) for folder, _, names in os.walk(self.dest) for name in names]
        return {place: (os.stat(place).st_ino, os.stat(place).st_ctime_ns) for place in places}

    def told(self, kind: type[FetchEvent]) -> list[FetchEvent]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    folder = tmp_path / "metadata"
    folder.mkdir()
    async with dcdist.open_store((tmp_path / "store").as_uri(), environment={}) as store:
        site = Site(store, tmp_path)
        for name, images in (("st@1", FIRST), ("st@2", SECOND)):
            (folder / "demo.json").write_text(name)
            (folder / "a.txt").unlink(missing_ok=True)
            if name == "st@1":
                (folder / "a.txt").write_text("only here")
            site.releases[name] = (await Publisher(store, metadata=folder).publish(name, images)).release
        await site.fetch("st@1")
        yield site


@contextmanager
def _taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def _folder_in_the_way(site: Site) -> None:
    (site.dest / "web.img").unlink()
    (site.dest / "web.img").mkdir()


def _cache_is_a_file(site: Site) -> None:
    (site.folder / "file").touch()


CASES: dict[str, tuple[type[DcdistError], Callable[[FetchOptions], FetchOptions], Callable[[Site], None]]] = {
    "an image that it has not": (UsageError, lambda options: replace(options, images=("none.img",)), lambda _: None),
    "a folder in an image's place": (DiskError, lambda options: options, _folder_in_the_way),
    "an unusable cache": (
        DiskError,
        lambda options: replace(options, cache=options.cache / "../file"),
        _cache_is_a_file,
    ),
    "an unusable trace": (DcdistError, lambda options: replace(options, trace=options.cache), lambda _: None),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_can_be_known_is_noticed_before_anything_in_the_destination_changes(site: Site, case: str) -> None:
    kind, change, prepare = CASES[case]
    prepare(site)
    before = site.found()
    with pytest.raises(kind):
        await site.fetch("st@2", change(site.options()))

    assert site.found() == before
    assert site.told(MetadataWritten) == []


async def test_a_port_in_use_is_noticed_before_anything_in_the_destination_changes(site: Site) -> None:
    before = site.found()
    with _taken_port() as port:
        options = replace(site.options(), swarm=True, reach=dcdist.Reach(listen=("127.0.0.1", port)))
        with pytest.raises(SwarmError):
            await site.fetch("st@2", options)

    assert site.found() == before


async def test_too_little_room_is_noticed_before_anything_in_the_destination_changes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = site.found()
    monkeypatch.setattr("dcdist.disk.destination.free_bytes", lambda _: 1000)
    with pytest.raises(DiskFullError):
        await site.fetch("st@2")

    assert site.found() == before


async def test_an_update_leaves_what_the_new_release_has_and_nothing_else_of_the_old_one(site: Site) -> None:
    (site.dest / "own.txt").write_text("a stranger's")
    await site.fetch("st@2")

    assert sorted(name for name in os.listdir(site.dest) if not name.startswith(".")) == [
        "metadata", "own.txt", "web.img",
    ]  # fmt: skip
    assert os.listdir(site.dest / "metadata") == ["demo.json"]
    assert [event.path for event in site.told(FileRemoved) if isinstance(event, FileRemoved)] == [
        "metadata/a.txt", "x.iso",
    ]  # fmt: skip
    names = [type(event) for event in site.events if not isinstance(event, Progress | FileRemoved)]
    assert names == [MetadataWritten, ReleaseFound, ImageFinished, Fetched]


async def test_a_fetch_that_fails_in_the_middle_leaves_a_record_that_says_so(
    site: Site,
) -> None:
    slow = replace(site.options(), rates=dcdist.Rates(store=100_000.0))
    task = await site.begun(slow, Progress)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    record = load_record(site.dest)

    assert (str(record.releases["st"].name), record.releases["st"].complete) == ("st@2", False)
    assert (site.dest / "metadata" / "demo.json").read_text() == "st@2"
    assert (site.dest / "web.img").read_bytes() == FIRST["web.img"]
    assert not (site.dest / ".dcdist-lock").exists()
    await site.fetch("st@2")
    assert load_record(site.dest).releases["st"].complete


async def test_of_two_fetches_with_one_cache_and_one_destination_the_second_waits_and_finds_everything_in_place(
    site: Site,
) -> None:
    events: list[FetchEvent] = []
    slow = replace(site.options(), rates=dcdist.Rates(store=500_000.0))
    first = await site.begun(slow, Progress)
    second = await dcdist.fetch(site.store, site.releases["st@2"], site.options(), report=events.append)
    await first

    (waiting,) = [event for event in events if isinstance(event, Waiting)]
    assert f"process {os.getpid()}, which fetches st@2, is writing to {site.dest}" in waiting.reason
    assert [event for event in events if isinstance(event, ImageFinished)] == [
        ImageFinished("web.img", MIB + 1, in_place=True)
    ]
    assert second.bytes == dcdist.fetch_events.Counted()


async def test_a_fetch_of_another_release_waits_too_and_then_goes_on(site: Site) -> None:
    slow = replace(site.options(), rates=dcdist.Rates(store=500_000.0))
    first = await site.begun(slow, Progress)
    events: list[FetchEvent] = []
    await dcdist.fetch(site.store, site.releases["st@1"], site.options(), report=events.append)
    await first

    assert any(isinstance(event, Waiting) for event in events)
    assert str(load_record(site.dest).releases["st"].name) == "st@1"
    assert (site.dest / "web.img").read_bytes() == FIRST["web.img"]


async def test_a_fetch_that_goes_on_giving_lets_others_write_to_its_destination(site: Site) -> None:
    stop = asyncio.Event()
    reach = dcdist.Reach(listen=("127.0.0.1", 0))
    giving = replace(site.options(), swarm=True, reach=reach, seed_for=600.0)
    first = await site.begun(giving, Seeding, stop)
    events: list[FetchEvent] = []
    await dcdist.fetch(site.store, site.releases["st@1"], site.options(), report=events.append)
    stop.set()
    await first

    assert not any(isinstance(event, Waiting) for event in events)


async def test_what_goes_is_told_with_the_metadata_or_after_the_last_image(site: Site) -> None:
    await site.fetch("st@2")
    told = [event for event in site.events if not isinstance(event, Progress | Fetched)]

    assert [getattr(event, "path", type(event).__name__) for event in told] == [
        "metadata/a.txt", "MetadataWritten", "ReleaseFound", "ImageFinished", "x.iso",
    ]  # fmt: skip
    assert isinstance(told[0], FileRemoved)
    assert isinstance(site.events[-1], Fetched)


async def test_a_check_reads_images_in_place_and_brings_damaged_ones_anew(site: Site) -> None:
    await site.fetch("st@1")
    unread = site.told(ImageFinished)
    await site.fetch("st@1", replace(site.options(), check=True))
    read = site.told(ImageFinished)
    (site.dest / "x.iso").write_bytes(bytes(100_000))
    await site.fetch("st@1", replace(site.options(), check=True))

    assert unread == [
        ImageFinished("web.img", MIB, in_place=True), ImageFinished("x.iso", 100_000, in_place=True),
    ]  # fmt: skip
    assert read == [
        ImageFinished("web.img", MIB, in_place=True, read=True),
        ImageFinished("x.iso", 100_000, in_place=True, read=True),
    ]
    assert (site.dest / "x.iso").read_bytes() == FIRST["x.iso"]
