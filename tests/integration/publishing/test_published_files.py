"""What files may be published: whole XVAs, wrapped or not, from files and pipes; anything else as it is."""

from __future__ import annotations

import gzip
import lzma
import os
from typing import TYPE_CHECKING

import pytest
import zstandard

from dcdist.errors import FormatError, InputChangedError, UsageError, XvaError
from dcdist.model.identity import ReleaseName
from dcdist.publishing import Cut, ImageSource, ImageStarted, PublishProgress, PublishRequest, publish
from tests.support.publishing import CHUNK, KEY, Publisher, noise
from tests.support.rebuilt import open_release, rebuilt_images
from tests.support.stepped_store import SteppedStore
from tests.support.xva import Disk, xva

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.publishing import PublishEvent


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
        ("web.xva.gzip", gzip.compress(XVA), "web.xva"),
        ("web.xva.zstd", zstandard.compress(XVA), "web.xva"),
        ("web.tgz", gzip.compress(XVA), "web.tar"),
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


@pytest.mark.parametrize("changed", ["first", "second"])
async def test_a_file_that_changes_while_it_is_published_leaves_nothing_in_the_store(
    store: SteppedStore, tmp_path: Path, changed: str
) -> None:
    paths = [tmp_path / "first", tmp_path / "second"]
    paths[0].write_bytes(noise(1, 13 << 20))
    paths[1].write_bytes(noise(2, 5000))
    for path in paths:
        os.utime(path, (1, 1))

    def write(event: PublishEvent) -> None:
        if isinstance(event, PublishProgress):
            with (tmp_path / changed).open("r+b") as file:
                file.write(b"torn")

    request = PublishRequest(ReleaseName("demo", "1"), tuple(ImageSource.of(path) for path in paths), KEY, level=1)
    with pytest.raises(InputChangedError, match=f"{changed} changed while it was read: it was written to"):
        await publish(store, request, report=write)
    assert store.objects == {}


async def test_a_file_that_changes_while_it_is_compared_with_its_release_is_refused(
    store: SteppedStore, tmp_path: Path
) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(noise(1, 13 << 20))
    os.utime(path, (1, 1))
    request = PublishRequest(ReleaseName("demo", "1"), (ImageSource.of(path),), KEY, level=1)
    await publish(store, request, report=lambda _event: None)

    def write(event: PublishEvent) -> None:
        if isinstance(event, PublishProgress):
            with path.open("r+b") as file:
                file.write(b"torn")

    with pytest.raises(InputChangedError, match=r"disk\.raw changed while it was read"):
        await publish(store, request, report=write)


async def test_what_looks_like_something_else_is_never_said_to_be_an_xva(
    store: SteppedStore, publisher: Publisher
) -> None:
    with pytest.raises(XvaError, match=r"web\.xva is not a valid XVA: it looks like an HTML page"):
        await publisher.publish("demo@1", {"web.xva": b"<html>" + bytes(5000)})
    assert publisher.events == []
    assert store.steps == []


async def test_a_packed_file_is_carried_as_it_is_and_said_to_be_one(store: SteppedStore, publisher: Publisher) -> None:
    packed = lzma.compress(XVA)
    await publisher.publish("demo@1", {"web.xva.xz": packed})

    assert publisher.events[0] == ImageStarted("web.xva.xz", None, xva=False, looks_like="an xz file", compressed=True)
    assert await content_of(store, "demo@1") == {"web.xva.xz": packed}


async def test_an_empty_pipe_publishes_nothing(store: SteppedStore, publisher: Publisher) -> None:
    with pytest.raises(FormatError, match=r"web.img is empty: .* Did the command before the pipe fail\?"):
        await publisher.publish("demo@1", {"web.img": b""})
    assert store.steps == []


async def test_a_file_that_is_not_there_is_named_before_anything_is_read(store: SteppedStore, tmp_path: Path) -> None:
    path = tmp_path / "missing.xva"
    request = PublishRequest(ReleaseName("demo", "1"), (ImageSource.of(path),), KEY)

    with pytest.raises(UsageError, match=r"missing.xva cannot be read: No such file"):
        await publish(store, request, report=lambda _event: None)
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
