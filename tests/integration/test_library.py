"""The public API on a store in a directory: a fetch as a stream of events, and by name."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.catalog import read_again, signed_releases
from dcdist.disk.serials import SeenSerials
from dcdist.errors import StoreUnavailableError
from dcdist.node.resolve import fetch_by_name
from dcdist.node.verification import ImageVerified
from dcdist.policy.requests.retry import Backoff
from dcdist.store import open_store, retrying
from dcdist.store.wrapped import Wrapped
from tests.support.publishing import KEY, OTHER_KEY, Publisher, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from dcdist import FetchEvent, PublishEvent, Store
    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Listing

TRUST = [KEY.public]
IMAGES = {"web.img": noise(1, 700_000), "db.img": noise(2, 700_000)}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """A store with `web@1`."""
    async with open_store((tmp_path / "store").as_uri(), environment={}) as opened:
        await Publisher(opened).publish("web@1", IMAGES)
        yield opened


def _options(tmp_path: Path, *, store_rate: float | None = None, swarm: bool = False) -> dcdist.FetchOptions:
    return dcdist.FetchOptions(
        dest=tmp_path / "images", cache=tmp_path / "cache", swarm=swarm, seed_for=600.0,
        rates=dcdist.Rates(store=store_rate), reach=dcdist.Reach(listen=("127.0.0.1", 0)),
    )  # fmt: skip


async def test_the_events_of_a_fetch_come_in_order_and_end(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web", trust=TRUST)
    async with dcdist.fetching(store, release, _options(tmp_path)) as events:
        seen = [event async for event in events if not isinstance(event, dcdist.fetch_events.Progress)]

    names = [type(event).__name__ for event in seen]
    assert names[:2] == ["MetadataWritten", "ReleaseFound"]
    assert sorted(names[2:4]) == ["ImageFinished", "ImageFinished"]
    assert names[4:] == ["Fetched"]
    assert {name: (tmp_path / "images" / name).read_bytes() for name in IMAGES} == IMAGES


async def test_leaving_early_ends_the_fetch_and_keeps_what_came(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    async with dcdist.fetching(store, release, _options(tmp_path, store_rate=400_000.0)) as events:
        async for event in events:
            if isinstance(event, dcdist.fetch_events.Progress) and event.layer_bytes:
                break
    assert not [name for name in os.listdir(tmp_path / "images") if name.endswith(".img")]

    async with dcdist.fetching(store, release, _options(tmp_path)) as events:
        fetched = [event async for event in events][-1]
    assert isinstance(fetched, dcdist.Fetched)
    assert fetched.bytes.reused > 0


async def test_an_error_in_the_block_is_the_one_that_is_raised(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    with pytest.raises(KeyError):
        async with dcdist.fetching(store, release, _options(tmp_path)):
            raise KeyError


async def test_cancelling_the_reader_ends_the_fetch(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    begun = asyncio.Event()

    async def read() -> None:
        async with dcdist.fetching(store, release, _options(tmp_path, store_rate=100_000.0)) as events:
            async for _ in events:
                begun.set()

    reader = asyncio.create_task(read())
    await begun.wait()
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader


async def test_the_fetchs_own_error_comes_from_the_iteration(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    (tmp_path / "images").write_text("in the way")
    with pytest.raises(dcdist.errors.DiskError):
        async with dcdist.fetching(store, release, _options(tmp_path)) as events:
            assert [event async for event in events] == []


async def test_an_error_that_nobody_read_is_raised_at_the_end(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    options = dcdist.FetchOptions(dest=tmp_path, cache=tmp_path / "cache", images=("none.img",))

    async def leave_when_it_failed() -> None:
        before = asyncio.all_tasks()
        async with dcdist.fetching(store, release, options):
            await asyncio.wait(asyncio.all_tasks() - before)

    with pytest.raises(dcdist.errors.UsageError, match=r"no image 'none\.img'"):
        await leave_when_it_failed()


async def test_leaving_the_block_ends_the_seeding(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    async with dcdist.fetching(store, release, _options(tmp_path, swarm=True)) as events:
        async for event in events:
            if isinstance(event, dcdist.fetch_events.Seeding):
                assert event.seconds == 600.0
                break


async def test_without_a_destination_the_layers_come_and_no_image_is_written(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    layers = dcdist.FetchOptions(dest=None, cache=tmp_path / "cache", swarm=False)
    held = await dcdist.fetch(store, release, layers, report=lambda _: None)
    images = await dcdist.fetch(store, release, _options(tmp_path), report=lambda _: None)

    assert (held.bytes.store, held.bytes.images) == (release.layer_bytes, 0)
    assert (images.bytes.store, images.bytes.reused) == (0, release.layer_bytes)
    assert sorted(os.listdir(tmp_path)) == ["cache", "images", "store"]


async def test_a_seeder_without_a_swarm_is_refused(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    with pytest.raises(dcdist.errors.UsageError, match="a seeder needs the swarm"):
        await dcdist.seed(store, release, _options(tmp_path), report=lambda _: None, stop=asyncio.Event())


async def test_what_was_fetched_is_remembered_against_older_releases(store: Store, tmp_path: Path) -> None:
    await Publisher(store).publish("web@2", IMAGES)
    options = _options(tmp_path)
    events: list[FetchEvent] = []
    await fetch_by_name(store, "web", options, trust=TRUST, report=events.append)
    seen = SeenSerials(tmp_path / "cache").seen("web")
    assert seen.highest(seen.pin) == 2

    await store.delete("releases/web/2")
    with pytest.raises(dcdist.errors.RollbackError, match="has seen serial 2"):
        await fetch_by_name(store, "web", options, trust=TRUST, report=events.append)
    await fetch_by_name(store, "web@1", options, trust=TRUST, report=events.append)
    assert SeenSerials(tmp_path / "cache").seen("web").highest(seen.pin) == 2


async def test_a_serial_that_cannot_be_noted_does_not_fail_the_fetch(store: Store, tmp_path: Path) -> None:
    (tmp_path / "cache" / "serials.json").mkdir(parents=True)
    (tmp_path / "cache").chmod(0o700)
    events: list[FetchEvent] = []
    await fetch_by_name(store, "web@1", _options(tmp_path), trust=TRUST, report=events.append)
    troubles = [event.message for event in events if isinstance(event, dcdist.fetch_events.Troubled)]
    assert len(troubles) == 1
    assert "guard against older releases" in troubles[0]


async def test_verify_reads_what_is_there(store: Store, tmp_path: Path) -> None:
    release = await dcdist.find_release(store, "web@1", trust=TRUST)
    (tmp_path / "web.img").write_bytes(IMAGES["web.img"])
    (tmp_path / "db.img").write_bytes(IMAGES["db.img"][:-1] + b"?")
    found = [event async for event in dcdist.verify(release, tmp_path)]
    conditions = [(event.name, event.condition.value) for event in found if isinstance(event, ImageVerified)]
    assert conditions == [("web.img", "ok"), ("db.img", "differs")]


async def test_a_manifest_that_comes_garbled_at_first_is_reported_whether_the_release_is_named_or_the_latest(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class GarbledOnce(Wrapped):
        """Cuts off the last byte of the first object that is read."""

        cut = 1

        async def get(self, key: str, *, limit: int) -> bytes:
            body, self.cut, cut = await super().get(key, limit=limit), 0, self.cut
            return body[: len(body) - cut]

    for place in (read_again, signed_releases):
        monkeypatch.setattr(place, "PATIENT", Backoff(tries=2, first=0.0))
    for wanted in ("web@1", "web"):
        told: list[dcdist.fetch_events.Troubled] = []
        release = await dcdist.find_release(GarbledOnce(store), wanted, trust=TRUST, report=told.append)

        assert str(release.name) == "web@1"
        assert [each.source for each in told] == [f"{store}/releases/web/1"]


async def test_newer_releases_that_strangers_signed_are_passed_over_and_named_with_the_reason(store: Store) -> None:
    await Publisher(store, key=OTHER_KEY, trusted=(KEY.public,)).publish("web@2", IMAGES)
    told: list[dcdist.fetch_events.Troubled] = []
    release = await dcdist.find_release(store, "web", trust=TRUST, report=told.append)

    assert str(release.name) == "web@1"
    (note,) = told
    assert note.kind == "passed_over"
    assert note.source == f"{store}/releases/web/2"
    assert note.message == (
        "web@2 is passed over for web@1 (serial 1): no trusted key signed the manifest, "
        f"which says that {OTHER_KEY.public.identity} did; trusted: {KEY.public.identity}"
    )


async def test_a_wrong_key_is_told_of_the_demo_and_not_of_one_of_its_releases(store: Store) -> None:
    await Publisher(store).publish("web@2", IMAGES)
    await Publisher(store).publish("web@10", IMAGES)
    with pytest.raises(dcdist.errors.SignatureError) as caught:
        await dcdist.find_release(store, "web", trust=[OTHER_KEY.public])

    assert str(caught.value) == (
        f"{store}: no release of web is signed by a trusted key; web@10, the newest: no trusted key signed the "
        f"manifest, which says that {KEY.public.identity} did; trusted: {OTHER_KEY.public.identity}"
    )


async def test_older_releases_of_strangers_are_nobodys_news(store: Store) -> None:
    await Publisher(store, key=OTHER_KEY, trusted=(KEY.public,)).publish("web@2", IMAGES)
    await Publisher(store, trusted=(OTHER_KEY.public,)).publish("web@3", IMAGES)
    told: list[dcdist.fetch_events.Troubled] = []
    release = await dcdist.find_release(store, "web", trust=TRUST, report=told.append)

    assert (str(release.name), told) == ("web@3", [])


async def test_of_many_releases_passed_over_the_newest_are_named_and_the_rest_counted(store: Store) -> None:
    stranger = Publisher(store, key=OTHER_KEY, trusted=(KEY.public,))
    for version in range(2, 10):
        await stranger.publish(f"web@{version}", {})
    told: list[dcdist.fetch_events.Troubled] = []
    await dcdist.find_release(store, "web", trust=TRUST, report=told.append)

    assert [note.message.split()[0] for note in told] == ["web@9", "web@8", "web@7", "web@6", "web@5", "3"]


def test_a_publish_reports_what_it_tries_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingOnce(Wrapped):
        """Does not answer the first listing."""

        failures = 1

        async def list(self, prefix: str, *, look: bool = False) -> Listing:
            if self.failures:
                self.failures -= 1
                raise StoreUnavailableError("no answer", store=str(self))
            return await super().list(prefix, look=look)

    @asynccontextmanager
    async def failing_once(
        url: str, *, environment: Mapping[str, str], report: Callable[[Troubled], None] | None
    ) -> AsyncIterator[Store]:
        async with open_store(url, environment=environment, report=report) as opened:
            yield FailingOnce(opened)

    monkeypatch.setattr("dcdist.store.open_store", failing_once)
    monkeypatch.setattr(retrying, "Backoff", partial(Backoff, first=0.0))
    keys = dcdist.generate_keys(tmp_path / "keys")
    (tmp_path / "a.img").write_bytes(b"a" * 1000)
    told: list[PublishEvent] = []
    url = (tmp_path / "store").as_uri()
    dcdist.publish_release(url, "a@1", [tmp_path / "a.img"], key=keys.key, on_event=told.append)

    troubles = [event.message for event in told if isinstance(event, dcdist.publish_events.Troubled)]
    assert troubles == ["no answer; try 1 failed, the next is in 0.0 s"]


def test_plain_calls_take_keys_and_files_of_keys(tmp_path: Path) -> None:
    keys = dcdist.generate_keys(tmp_path / "keys")
    (tmp_path / "a.img").write_bytes(b"a" * 100_000)
    url = (tmp_path / "store").as_uri()
    published = dcdist.publish_release(url, "a@1", [tmp_path / "a.img"], key=keys.key)
    for trust in (keys.public, str(keys.public), [OTHER_KEY.public, dcdist.read_public_key(keys.public)]):
        fetched = dcdist.fetch_release(
            url, "a", trust=trust, dest=tmp_path / "images", cache=tmp_path / "cache", swarm=False
        )
        assert fetched.release == published.release.name
    with pytest.raises(dcdist.errors.SignatureError):
        dcdist.fetch_release(url, "a", trust=OTHER_KEY.public, dest=tmp_path / "other", cache=tmp_path / "cache")
