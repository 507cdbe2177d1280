"""Releases as they come out of a publish: rebuilt byte for byte, sharing what they can, refusing what is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.errors import ReleaseExistsError, StoreDeniedError, UsageError
from dcdist.formats import extents, object_names
from dcdist.formats.signature import PrivateKey
from dcdist.model.identity import ReleaseName
from dcdist.model.release import MetadataFile
from dcdist.ports.store import Capabilities
from dcdist.publishing import (
    Cut,
    ImagePublished,
    ImageStarted,
    LayerFinished,
    LineChoice,
    NotShared,
    Published,
    PublishProgress,
    PublishRequest,
    publish,
)
from tests.support.memory_store import MemoryStore
from tests.support.publishing import CHUNK, KEY, OTHER_KEY, Publisher, noise
from tests.support.rebuilt import NO_LIMIT, open_release, rebuilt_images
from tests.support.stepped_store import SteppedStore
from tests.support.xva import Disk, xva

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.model.extent import Extent

XVA = xva(Disk("Ref:4", noise(1, 3 * CHUNK) + bytes(2 * CHUNK) + noise(2, 2 * CHUNK)), Disk("Ref:10", noise(3, CHUNK)))


@pytest.fixture
def store() -> SteppedStore:
    return SteppedStore()


@pytest.fixture
def publisher(store: SteppedStore) -> Publisher:
    return Publisher(store)


async def extents_of(store: SteppedStore, published: Published, name: str) -> list[Extent]:
    image = next(each for each in published.release.images if each.name == name)
    return list(extents.decode(await store.get(object_names.image_extents(image.extents), limit=NO_LIMIT), image))


async def content_of(store: SteppedStore, name: str) -> dict[str, bytes]:
    release = await open_release(store, ReleaseName.parse(name), KEY.public)
    return await rebuilt_images(store, release)


async def test_images_are_rebuilt_byte_for_byte_in_start_order(store: SteppedStore) -> None:
    publisher = Publisher(store, allow_empty=True)
    images = {"web.xva": XVA, "notes.txt": b"read me", "empty": b"", "disk.raw": noise(4, 100_001)}

    published = await publisher.publish("demo@1", images)

    assert [image.name for image in published.release.images] == ["web.xva", "notes.txt", "empty", "disk.raw"]
    assert await content_of(store, "demo@1") == images


async def test_only_a_release_its_layers_and_its_extents_are_left_in_the_store(
    store: SteppedStore, publisher: Publisher
) -> None:
    published = await publisher.publish("demo@1", {"web.xva": XVA})

    (layer,), (image,) = published.release.layers, published.release.images
    assert store.keys() == (
        f"images/{image.extents.hex()}",
        f"layers/{layer.name}/chunks",
        f"layers/{layer.name}/index",
        f"layers/{layer.name}/segments/00000",
        "releases/demo/1",
    )
    assert store.steps[0].startswith("put publishes/")
    assert store.steps[-2] == "put releases/demo/1"
    assert store.steps[-1].startswith("delete publishes/")


async def test_an_image_that_is_all_new_is_one_extent(store: SteppedStore, publisher: Publisher) -> None:
    published = await publisher.publish("demo@1", {"disk.raw": noise(4, 40 * CHUNK + 5)})

    (extent,) = await extents_of(store, published, "disk.raw")
    assert (extent.source, extent.start, extent.length) == (1, 0, 40 * CHUNK + 5)


async def test_zeros_and_repeated_chunks_take_no_room(store: SteppedStore, publisher: Publisher) -> None:
    head, tail = noise(4, 2 * CHUNK), noise(5, 3 * CHUNK)

    published = await publisher.publish("demo@1", {"disk.raw": head + bytes(9 * CHUNK) + tail + head})

    assert [(each.source, each.start, each.length) for each in await extents_of(store, published, "disk.raw")] == [
        (1, 0, 2 * CHUNK),
        (0, 0, 9 * CHUNK),
        (1, 2 * CHUNK, 3 * CHUNK),
        (1, 0, 2 * CHUNK),
    ]
    assert (published.new, published.reused, published.zeros) == (5 * CHUNK, 2 * CHUNK, 9 * CHUNK)


async def test_a_second_version_adds_only_what_is_new(store: SteppedStore, publisher: Publisher) -> None:
    disk = noise(1, 100 * CHUNK)
    changed = disk[: 50 * CHUNK] + noise(2, CHUNK) + disk[51 * CHUNK :]
    first = await publisher.publish("demo@1", {"web.xva": xva(Disk("Ref:4", disk))})
    before = store.received

    second = await publisher.publish("demo@2", {"web.xva": xva(Disk("Ref:4", changed))})

    assert await content_of(store, "demo@2") == {"web.xva": xva(Disk("Ref:4", changed))}
    assert second.release.layers[0] == first.release.layers[0]
    assert len(second.layers) == 1
    assert second.layers == second.release.layers[1:]
    assert store.received - before < 3 * CHUNK
    assert second.new < CHUNK + 2 * 2048


async def test_an_inserted_member_moves_all_bytes_and_changes_no_chunk(
    store: SteppedStore, publisher: Publisher
) -> None:
    head, tail = noise(1, 5 * CHUNK), noise(2, 15 * CHUNK)
    await publisher.publish("demo@1", {"web.xva": xva(Disk("Ref:4", head + bytes(CHUNK) + tail))})

    second = await publisher.publish("demo@2", {"web.xva": xva(Disk("Ref:4", head + noise(3, CHUNK) + tail))})

    assert second.new < CHUNK + 3 * 2048


async def test_what_is_shared_runs_on_in_few_extents(store: SteppedStore, publisher: Publisher) -> None:
    disk = noise(1, 64 * CHUNK)
    await publisher.publish("demo@1", {"one": disk[: 20 * CHUNK]})
    await publisher.publish("demo@2", {"one": disk})

    third = await publisher.publish("demo@3", {"one": disk})

    assert len(await extents_of(store, third, "one")) == 2


async def test_a_version_with_nothing_new_has_no_new_layer(store: SteppedStore, publisher: Publisher) -> None:
    first = await publisher.publish("demo@1", {"web.xva": XVA})

    second = await publisher.publish("demo@2", {"renamed.xva": XVA})

    assert second.layers == ()
    assert second.release.layers == first.release.layers
    assert await content_of(store, "demo@2") == {"renamed.xva": XVA}


async def test_a_release_of_zeros_has_no_layer(store: SteppedStore, publisher: Publisher) -> None:
    published = await publisher.publish("demo@1", {"disk.raw": bytes(50 * CHUNK)})

    assert published.release.layers == ()
    assert await content_of(store, "demo@1") == {"disk.raw": bytes(50 * CHUNK)}


async def test_layers_end_at_their_limit(store: SteppedStore) -> None:
    publisher = Publisher(store, cut=Cut(CHUNK, 4 * CHUNK, layer=50_000))
    content = {"a": noise(1, 60 * CHUNK), "b": noise(2, 60 * CHUNK)}

    published = await publisher.publish("demo@1", content)

    lengths = [layer.length for layer in published.layers]
    assert max(lengths) <= 50_000
    assert min(lengths[:-1]) > 50_000 - 5 * CHUNK
    assert len(lengths) == 10
    assert await content_of(store, "demo@1") == content


async def test_a_layer_of_several_segments(store: SteppedStore) -> None:
    publisher = Publisher(store, cut=Cut())
    content = {"large": noise(1, 70 << 20)}

    published = await publisher.publish("demo@1", content)

    assert len(store.keys(f"layers/{published.layers[0].name}/segments/")) == 2
    assert await content_of(store, "demo@1") == content


async def test_serials_rise_within_a_demo(publisher: Publisher) -> None:
    names = ["demo@2", "demo@1", "other@9", "demo@3"]

    assert [(await publisher.publish(name, {"a": b"a"})).release.serial for name in names] == [1, 2, 1, 3]


async def test_all_demos_share_chunks(publisher: Publisher) -> None:
    await publisher.publish("demo@1", {"a": noise(1, 10 * CHUNK)})

    assert (await publisher.publish("other@1", {"b": noise(1, 10 * CHUNK)})).new == 0


async def test_publishing_the_same_again_succeeds_and_writes_nothing(store: SteppedStore, publisher: Publisher) -> None:
    first = await publisher.publish("demo@1", {"web.xva": XVA, "b": b"b"})
    steps = list(store.steps)

    again = await publisher.publish("demo@1", {"web.xva": XVA, "b": b"b"})

    assert again.existed
    assert again.release == first.release
    assert (again.layers, again.uploaded, again.new) == ((), 0, 0)
    assert store.steps == steps


@pytest.mark.parametrize(
    "images",
    [{"web.xva": XVA, "b": b"c"}, {"b": b"b", "web.xva": XVA}, {"web.xva": XVA}, {"web.xva": XVA, "c": b"b"}],
    ids=["content", "order", "fewer", "name"],
)
async def test_other_content_under_the_same_name_is_refused(
    store: SteppedStore, publisher: Publisher, images: dict[str, bytes]
) -> None:
    await publisher.publish("demo@1", {"web.xva": XVA, "b": b"b"})
    before = dict(store.objects)

    with pytest.raises(ReleaseExistsError, match="release demo@1 exists with other") as caught:
        await publisher.publish("demo@1", images)
    assert caught.value.release == "demo@1"
    assert store.objects == before


async def test_an_image_that_differs_is_not_said_to_be_found_and_ends_the_publish_at_once(
    store: SteppedStore, publisher: Publisher
) -> None:
    await publisher.publish("demo@1", {"a": b"a", "b": b"b", "c": b"c"})

    with pytest.raises(ReleaseExistsError, match="demo@1 exists with other content: b differs; a release never"):
        await publisher.publish("demo@1", {"a": b"a", "b": b"B", "c": b"c"})
    images = [event for event in publisher.events if not isinstance(event, PublishProgress)]
    assert images == [
        ImageStarted("a", None, xva=False),
        ImagePublished("a", 1, new=0, reused=1, zeros=0),
        ImageStarted("b", None, xva=False),
    ]


async def test_a_release_of_another_publisher_is_not_taken_for_ones_own(store: SteppedStore) -> None:
    await Publisher(store, OTHER_KEY).publish("demo@1", {"a": b"a"})

    with pytest.raises(ReleaseExistsError, match="no trusted key signed the manifest"):
        await Publisher(store).publish("demo@1", {"a": b"a"})


async def test_only_what_trusted_keys_signed_is_shared_with(store: SteppedStore) -> None:
    await Publisher(store, OTHER_KEY).publish("demo@1", {"a": noise(1, 10 * CHUNK)})

    publisher = Publisher(store, other_signer=True)
    alone = await publisher.publish("demo@2", {"a": noise(1, 10 * CHUNK)})
    assert publisher.events[0] == NotShared(
        "releases/demo/1",
        "no key that this publisher trusts has signed it, so its serial 1 does not count; if it is of another "
        "publisher whom the hosts trust, give that key with --trust (trust=)",
    )
    trusting = await Publisher(store, trusted=(OTHER_KEY.public,), lines=LineChoice(line=alone.release.line)).publish(
        "demo@3", {"a": noise(1, 10 * CHUNK)}
    )

    assert (alone.new, trusting.new) == (10 * CHUNK, 0)
    assert (alone.release.serial, trusting.release.serial) == (1, 2)


async def test_a_demo_of_which_only_others_signed_releases_is_left_alone_unless_that_is_meant(
    store: SteppedStore,
) -> None:
    first = await Publisher(store).publish("demo@1", {"a": b"a"})
    before = dict(store.objects)

    with pytest.raises(UsageError, match=r"demo has releases, such as demo@1, and neither this key .*--other-signer"):
        await Publisher(store, OTHER_KEY).publish("demo@2", {"a": b"b"})
    assert store.objects == before

    trusting = await Publisher(store, OTHER_KEY, trusted=(KEY.public,)).publish("demo@3", {"a": b"b"})
    meant = await Publisher(store, PrivateKey(bytes(32)), other_signer=True).publish("demo@4", {"a": b"c"})
    assert (trusting.release.serial, trusting.release.line) == (2, first.release.line)
    assert (meant.release.serial, meant.new_line) == (1, True)


async def test_a_publisher_goes_on_with_its_own_demo_and_tells_of_what_others_signed(store: SteppedStore) -> None:
    await Publisher(store).publish("demo@1", {"a": b"a"})
    await Publisher(store, OTHER_KEY, trusted=(KEY.public,)).publish("demo@2", {"a": b"a"})
    publisher = Publisher(store)

    assert (await publisher.publish("demo@3", {"a": b"b"})).release.serial == 2
    assert [event.key for event in publisher.events if isinstance(event, NotShared)] == ["releases/demo/2"]


async def test_a_store_that_is_read_only_refuses_a_publish_before_it_is_asked_anything() -> None:
    class ReadOnly(MemoryStore):
        @property
        def capabilities(self) -> Capabilities:
            return Capabilities(writable=False, listable=False)

    store = ReadOnly()
    with pytest.raises(StoreDeniedError, match=r"memory: is read-only, .*publish to swift://"):
        await Publisher(store).publish("demo@1", {"a": b"a"})
    assert store.calls == []


@pytest.mark.parametrize("damaged", ["index", "chunks"])
async def test_a_layer_whose_papers_are_damaged_is_not_shared_with(
    store: SteppedStore, publisher: Publisher, damaged: str
) -> None:
    first = await publisher.publish("demo@1", {"a": noise(1, 10 * CHUNK)})
    store.objects[f"layers/{first.layers[0].name}/{damaged}"] += b"x"

    assert (await publisher.publish("demo@2", {"a": noise(1, 10 * CHUNK)})).new == 10 * CHUNK
    (told,) = [event for event in publisher.events if isinstance(event, NotShared)]
    assert told.key == f"layers/{first.layers[0].name}/index"


async def test_a_manifest_that_cannot_be_read_stops_nobody(store: SteppedStore, publisher: Publisher) -> None:
    store.objects["releases/demo/0"] = b"garbage"
    first = await publisher.publish("demo@1", {"a": b"a"})
    store.objects["releases/demo/5"] = store.objects["releases/demo/1"]

    second = await publisher.publish("demo@2", {"a": b"a"})

    assert (first.release.serial, second.release.serial) == (1, 2)


async def test_metadata_comes_along(store: SteppedStore, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "start.sh").write_bytes(b"#!/bin/sh\n")
    (tmp_path / "order.txt").write_bytes(b"web\n")
    publisher = Publisher(store, metadata=tmp_path)

    published = await publisher.publish("demo@1", {"a": b"a"})

    assert published.release.metadata == (
        MetadataFile("order.txt", b"web\n"),
        MetadataFile("scripts/start.sh", b"#!/bin/sh\n"),
    )
    assert (await publisher.publish("demo@1", {"a": b"a"})).existed
    (tmp_path / "order.txt").write_bytes(b"db\n")
    with pytest.raises(ReleaseExistsError, match="other metadata"):
        await publisher.publish("demo@1", {"a": b"a"})


async def test_a_level_that_zstd_does_not_have_is_refused_before_anything_is_written(store: SteppedStore) -> None:
    request = PublishRequest(ReleaseName("demo", "1"), (), KEY, level=99)

    with pytest.raises(UsageError, match="no compression level 99"):
        await publish(store, request, report=lambda _event: None)
    assert store.steps == []


async def test_what_a_publish_tells(publisher: Publisher) -> None:
    content = noise(77, 10 * CHUNK)

    published = await publisher.publish("demo@1", {"web.xva": XVA, "raw": content + bytes(CHUNK) + content})

    told = [event for event in publisher.events if not isinstance(event, PublishProgress)]
    assert told[0] == ImageStarted("web.xva", None, xva=True)
    assert isinstance(told[1], ImagePublished)
    assert (told[1].name, told[1].size, told[1].new + told[1].zeros) == ("web.xva", len(XVA), len(XVA))
    assert told[2:4] == [
        ImageStarted("raw", None, xva=False),
        ImagePublished("raw", 21 * CHUNK, 10 * CHUNK, 10 * CHUNK, CHUNK),
    ]
    assert told[4] == LayerFinished(published.layers[0].name, published.layers[0].length)
    last = publisher.events[-1]
    assert isinstance(last, PublishProgress)
    assert last.read == len(XVA) + 21 * CHUNK
    assert last.total is None


async def test_uploaded_bytes_are_those_that_the_store_received(store: SteppedStore, publisher: Publisher) -> None:
    published = await publisher.publish("demo@1", {"web.xva": XVA})

    assert published.uploaded == sum(len(body) for body in store.objects.values())
