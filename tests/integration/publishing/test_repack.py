"""Layers of which little lives are left behind: what lives moves byte for byte, and old releases stay what they are."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import IntegrityError, StoreUnavailableError
from dcdist.formats import index, object_names
from dcdist.model.identity import ReleaseName
from dcdist.publishing import LayerMoved
from tests.support.publishing import CHUNK, KEY, Publisher, noise
from tests.support.rebuilt import NO_LIMIT, open_release, rebuilt_images
from tests.support.stepped_store import SteppedStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dcdist.model.release import LayerEntry

FRAME = 8 * CHUNK
DISK = noise(1, 20 * FRAME)


async def rebuilt(store: SteppedStore, name: str) -> dict[str, bytes]:
    return await rebuilt_images(store, await open_release(store, ReleaseName.parse(name), KEY.public))


async def frame_digests(store: SteppedStore, entry: LayerEntry) -> list[bytes]:
    digests = index.decode(await store.get(object_names.layer_index(entry.name), limit=NO_LIMIT), entry).frames.digests
    return [digests[at : at + 32] for at in range(0, len(digests), 32)]


async def test_a_layer_less_than_70_percent_alive_is_moved_byte_for_byte() -> None:
    store = SteppedStore()
    publisher = Publisher(store)
    first = await publisher.publish("demo@1", {"a": DISK})
    kept = DISK[3 * FRAME + CHUNK : 4 * FRAME + 2 * CHUNK] + noise(2, 3 * FRAME) + DISK[10 * FRAME : 19 * FRAME]

    second = await publisher.publish("demo@2", {"a": kept})

    (old,), (new,) = first.layers, second.release.layers
    old_frames, new_frames = await frame_digests(store, old), await frame_digests(store, new)
    assert new_frames[3:] == old_frames[3:5] + old_frames[10:19]
    moved = next(event for event in publisher.events if isinstance(event, LayerMoved))
    assert (moved.layer, moved.length) == (old.name, old.length)
    assert moved.moved == pytest.approx(11 * FRAME, rel=0.01)
    assert await rebuilt(store, "demo@2") == {"a": kept}
    assert await rebuilt(store, "demo@1") == {"a": DISK}


async def test_a_layer_70_percent_alive_stays() -> None:
    store = SteppedStore()
    publisher = Publisher(store)
    first = await publisher.publish("demo@1", {"a": DISK})

    second = await publisher.publish("demo@2", {"a": DISK[: 13 * FRAME] + DISK[19 * FRAME :]})
    third = await publisher.publish("demo@3", {"a": DISK[: 13 * FRAME]})

    assert second.release.layers == first.layers
    assert third.release.layers != first.layers
    assert await rebuilt(store, "demo@3") == {"a": DISK[: 13 * FRAME]}


async def test_what_was_moved_is_shared_from_its_new_place() -> None:
    store = SteppedStore()
    publisher = Publisher(store)
    await publisher.publish("demo@1", {"a": DISK})
    second = await publisher.publish("demo@2", {"a": DISK[: 5 * FRAME]})

    third = await publisher.publish("demo@3", {"a": DISK[: 5 * FRAME] + noise(3, FRAME)})

    assert third.release.layers[0] == second.layers[0]
    assert third.new == FRAME
    assert await rebuilt(store, "demo@3") == {"a": DISK[: 5 * FRAME] + noise(3, FRAME)}


async def test_a_release_stays_at_64_layers_by_moving_the_smallest() -> None:
    store = SteppedStore()
    publisher = Publisher(store)
    images = {}
    for number in range(70):
        images = {f"image-{number}": noise(number, (2 + number % 3) * CHUNK)}
        await publisher.publish(f"demo@{number}", images)
    everything = {f"image-{number}": noise(number, (2 + number % 3) * CHUNK) for number in range(70)}

    published = await publisher.publish("all@1", everything)

    assert len(published.release.layers) == 64
    assert published.new == 0
    # One new layer takes the place of seven small ones.
    assert published.layers[0].length == pytest.approx(7 * 2 * CHUNK, rel=0.01)
    assert await rebuilt(store, "all@1") == everything


async def test_a_damaged_old_layer_is_noticed_when_it_is_moved_and_nothing_is_published() -> None:
    store = SteppedStore()
    publisher = Publisher(store)
    first = await publisher.publish("demo@1", {"a": DISK})
    key = object_names.layer_segment(first.layers[0].name, 0)
    store.objects[key] = bytes([store.objects[key][0] ^ 1]) + store.objects[key][1:]
    before = dict(store.objects)

    with pytest.raises(IntegrityError, match=f"frame 0 of layer {first.layers[0].name} is damaged"):
        await publisher.publish("demo@2", {"a": DISK[:FRAME]})
    assert store.objects == before


class Unsteady(SteppedStore):
    """Every other read breaks."""

    reads = 0

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        self.reads += 1
        async with super().read(key, start=start, length=length) as parts:
            if self.reads % 2:
                raise StoreUnavailableError("reset")
            yield parts


async def test_a_read_that_breaks_is_repeated() -> None:
    store = Unsteady()
    publisher = Publisher(store)
    await publisher.publish("demo@1", {"a": DISK})

    await publisher.publish("demo@2", {"a": DISK[:FRAME]})

    assert store.reads == 2
    assert await rebuilt(store, "demo@2") == {"a": DISK[:FRAME]}
