"""What files may be published: whole XVAs, wrapped or not, from files and pipes; anything else as it is."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest
import zstandard

from dcdist.errors import DiskError, UsageError, XvaError
from dcdist.model.identity import ReleaseName
from dcdist.publishing import Cut, ImageSource, PublishRequest, publish
from tests.support.publishing import CHUNK, KEY, Publisher, noise
from tests.support.rebuilt import open_release, rebuilt_images
from tests.support.stepped_store import SteppedStore
from tests.support.xva import Disk, xva

if TYPE_CHECKING:
    from pathlib import Path


XVA = xva(Disk("Ref:4", noise(1, 3 * CHUNK) + bytes(2 * CHUNK) + noise(2, 2 * CHUNK)), Disk("Ref:10", noise(3, CHUNK)))


@pytest.fixture
def store() -> SteppedStore:
    return SteppedStore()


@pytest.fixture
def publisher(store: SteppedStore) -> Publisher:
    return Publisher(store)


async def content_of(store: SteppedStore, name: str) -> dict[str, bytes]:
    release = await open_release(store, ReleaseName.parse(name), KEY.public)
    return await rebuilt_images(store, release)


async def test_a_release_needs_all_its_images_in_order(store: SteppedStore, publisher: Publisher) -> None:
    damaged = bytearray(XVA)
    damaged[damaged.index(b"Ref:10/00000000.xxhash") + 512] ^= 1

    with pytest.raises(XvaError, match=r"b.xva is not a valid XVA: Ref:10/00000000 at byte") as caught:
        await publisher.publish("demo@1", {"a": noise(1, 100 * CHUNK), "b.xva": bytes(damaged)})

    assert caught.value.member == "Ref:10/00000000"
    assert store.objects == {}


@pytest.mark.parametrize(
    "bent", [XVA[:-1], XVA[:-1] + b"x", XVA + b"x", XVA[:-1024]], ids=["cut", "bit", "more", "end"]
)
async def test_damage_in_the_last_byte_of_the_last_image_publishes_nothing(store: SteppedStore, bent: bytes) -> None:
    publisher = Publisher(store, cut=Cut(CHUNK, 4 * CHUNK, layer=50_000))

    with pytest.raises(XvaError, match="the end of the archive"):
        await publisher.publish("demo@1", {"a": noise(1, 100 * CHUNK), "b.xva": bent})

    assert any(step.startswith("put layers/") for step in store.steps)
    assert store.objects == {}


@pytest.mark.parametrize(
    ("name", "wrapped", "published_as"),
    [
        ("web.xva.gz", gzip.compress(XVA), "web.xva"),
        ("web.xva.zst", zstandard.compress(XVA), "web.xva"),
        ("web.xva", gzip.compress(XVA), "web.xva"),
        ("web.xva", zstandard.compress(XVA), "web.xva"),
        ("web", zstandard.compress(XVA), "web"),
        ("WEB.XVA.GZ", gzip.compress(XVA), "WEB.XVA"),
    ],
)
async def test_a_wrapped_xva_is_published_as_the_xva_in_it(
    store: SteppedStore, publisher: Publisher, name: str, wrapped: bytes, published_as: str
) -> None:
    await publisher.publish("demo@1", {name: wrapped})

    assert await content_of(store, "demo@1") == {published_as: XVA}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("logs.tar.gz", gzip.compress(noise(1, 50_000))),
        ("data.zst", zstandard.compress(b"no XVA" * 1000)),
        ("broken.gz", b"\x1f\x8bnot gzip"),
        ("xva.txt", b"ova.xml"),
    ],
)
async def test_any_other_file_is_carried_as_it_is(
    store: SteppedStore, publisher: Publisher, name: str, content: bytes
) -> None:
    await publisher.publish("demo@1", {name: content})

    assert await content_of(store, "demo@1") == {name: content}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("web.xva", b""),
        ("web.xva", b"HTTP/1.1 401 Unauthorized\r\n\r\n" * 50),
        ("web.XVA", noise(1, 5000)),
        ("web.xva.gz", gzip.compress(noise(1, 5000))),
        ("web.xva.zst", b"\x28\xb5\x2f\xfdgarbage"),
        ("web.xva.gz", gzip.compress(XVA)[:-100]),
        ("web.xva.zst", zstandard.compress(XVA)[:-5]),
    ],
)
async def test_a_file_that_calls_itself_an_xva_must_be_one(
    store: SteppedStore, publisher: Publisher, name: str, content: bytes
) -> None:
    with pytest.raises(XvaError, match=rf"{name} is not a valid XVA: "):
        await publisher.publish("demo@1", {name: content})
    assert store.objects == {}


async def test_files_and_a_pipe_are_read_alike(store: SteppedStore, tmp_path: Path) -> None:
    path = tmp_path / "file.xva"
    path.write_bytes(XVA)
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe, os.fdopen(writing, "wb") as end:
        end.write(XVA[:60_000])
        end.close()
        sources = (ImageSource.of(path), ImageSource("piped.raw", stream=pipe))
        await publish(store, PublishRequest(ReleaseName("demo", "1"), sources, KEY), report=lambda _event: None)

    assert await content_of(store, "demo@1") == {"file.xva": XVA, "piped.raw": XVA[:60_000]}


async def test_a_file_that_is_not_there_is_named_before_anything_is_read(store: SteppedStore, tmp_path: Path) -> None:
    path = tmp_path / "missing.xva"
    request = PublishRequest(ReleaseName("demo", "1"), (ImageSource.of(path),), KEY)

    with pytest.raises(DiskError, match=r"missing.xva cannot be read: No such file") as caught:
        await publish(store, request, report=lambda _event: None)
    assert caught.value.path == str(path)
    assert store.steps == []


@pytest.mark.parametrize(
    "names", [["../up"], ["a/b"], ["metadata"], ["same.xva", "same.xva.gz"], [".."], ["a\n"]], ids=repr
)
async def test_names_that_hosts_could_not_write_are_refused_first(
    store: SteppedStore, tmp_path: Path, names: list[str]
) -> None:
    path = tmp_path / "image"
    path.write_bytes(gzip.compress(XVA))
    request = PublishRequest(ReleaseName("demo", "1"), tuple(ImageSource(name, path) for name in names), KEY)

    with pytest.raises(UsageError):
        await publish(store, request, report=lambda _event: None)
    assert store.steps == []
