"""Which objects a release needs: what is in the store after publishes, and no more."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from dcdist.catalog.promised import read_index
from dcdist.catalog.references import ObjectKind, Reference, layer_references, references, release_references
from dcdist.model.geometry import KIB, MIB
from dcdist.model.identity import Digest, LayerName, ReleaseName
from dcdist.model.release import Image, LayerEntry, Release
from dcdist.publishing import Cut
from tests.support.memory_store import MemoryStore
from tests.support.publishing import CHUNK, Publisher, noise

if TYPE_CHECKING:
    from pathlib import Path

LAYER = LayerName("0a" * 16)
INDEX, EXTENTS = Digest(b"i" * 32), Digest(b"e" * 32)


def test_a_layer_needs_its_segments_its_chunk_list_and_its_index() -> None:
    assert layer_references(LayerEntry(LAYER, 64 * MIB + 7, INDEX)) == (
        Reference(f"layers/{LAYER}/segments/00000", ObjectKind.SEGMENT, length=64 * MIB),
        Reference(f"layers/{LAYER}/segments/00001", ObjectKind.SEGMENT, length=7),
        Reference(f"layers/{LAYER}/chunks", ObjectKind.CHUNKS),
        Reference(f"layers/{LAYER}/index", ObjectKind.INDEX, digest=INDEX),
    )


def test_images_with_the_same_content_share_their_extents_and_the_manifest_is_the_last() -> None:
    images = tuple(Image(name, KIB, Digest(bytes(32)), EXTENTS) for name in ("a", "b"))
    release = Release(ReleaseName("web", "2"), 1, images, (), ())

    assert release_references(release) == (
        Reference(f"images/{EXTENTS.hex()}", ObjectKind.EXTENTS, digest=EXTENTS),
        Reference("releases/web/2", ObjectKind.MANIFEST),
    )


async def test_the_references_of_all_releases_are_all_objects_in_their_store(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"metadata")
    store = MemoryStore()
    publisher = Publisher(store, cut=Cut(CHUNK, 4 * CHUNK, layer=60_000), metadata=tmp_path)
    first = await publisher.publish("web@1", {"a": noise(1, 20 * CHUNK), "b": bytes(CHUNK)})
    second = await publisher.publish("web@2", {"a": noise(1, 20 * CHUNK) + noise(2, 20 * CHUNK)})
    other = await publisher.publish("db@1", {"a": noise(3, 5 * CHUNK)})
    releases = [each.release for each in (first, second, other)]

    assert references(releases) == store.objects.keys()
    assert references(releases[:2]) < store.objects.keys()
    assert references([]) == frozenset()


async def test_what_a_reference_promises_is_what_is_in_the_store() -> None:
    store = MemoryStore()
    release = (await Publisher(store).publish("web@1", {"a": noise(1, 20 * CHUNK)})).release
    _, index = await read_index(store, release.layers[0])

    promised = [*release_references(release), *layer_references(release.layers[0], index)]

    assert [each.length for each in promised if each.length not in (None, len(store.objects[each.key]))] == []
    with_digest = [each for each in promised if each.digest is not None]
    assert {each.kind for each in with_digest} == {ObjectKind.CHUNKS, ObjectKind.INDEX, ObjectKind.EXTENTS}
    assert [each for each in with_digest if sha256(store.objects[each.key]).digest() != each.digest] == []
