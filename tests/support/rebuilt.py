"""What a release's images are, byte for byte, by nothing but its manifest and the store: slow, plain, independent."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import zstandard

from dcdist.formats import chunks, extents, index, manifest, object_names

if TYPE_CHECKING:
    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import LayerEntry, Release
    from dcdist.ports.store import Store

NO_LIMIT = 1 << 40


async def open_release(store: Store, name: ReleaseName, key: PublicKey) -> Release:
    """The release, its signature checked."""
    return manifest.open_sealed(await store.get(object_names.release(name), limit=NO_LIMIT), [key])


async def rebuilt_images(store: Store, release: Release) -> dict[str, bytes]:
    """All images by name; everything that can be checked on the way is."""
    plains = {entry.name: await plain_layer(store, entry) for entry in release.layers}
    images = {}
    for image in release.images:
        found = extents.decode(await store.get(object_names.image_extents(image.extents), limit=NO_LIMIT), image)
        content = b"".join(
            plains[found.layers[each.source - 1]][each.start : each.start + each.length]
            if each.source
            else bytes(each.length)
            for each in found
        )
        assert len(content) == image.size
        assert hashlib.sha256(content).digest() == image.digest
        images[image.name] = content
    return images


async def plain_layer(store: Store, entry: LayerEntry) -> bytes:
    """The plain bytes of a layer, after checking its segments, pieces, frames and chunks."""
    found = index.decode(await store.get(object_names.layer_index(entry.name), limit=NO_LIMIT), entry)
    geometry, frames = found.geometry, found.frames
    segments = [
        await store.get(object_names.layer_segment(entry.name, number), limit=NO_LIMIT)
        for number in range(geometry.segment_count)
    ]
    assert [len(segment) for segment in segments] == [
        geometry.segment_size(number) for number in range(geometry.segment_count)
    ]
    data = b"".join(segments)
    hashes = [
        hashlib.sha1(data[start : start + geometry.piece_length], usedforsecurity=False).digest()
        for start in range(0, len(data), geometry.piece_length)
    ]
    assert b"".join(hashes) == found.piece_hashes
    unpacked = []
    for number in range(len(frames)):
        frame = frames[number]
        packed = data[frame.start : frame.start + frame.length]
        assert hashlib.sha256(packed).digest() == frame.digest
        unpacked.append(zstandard.decompress(packed))
        assert len(unpacked[-1]) == frame.plain_length
    plain = b"".join(unpacked)
    listed = chunks.decode(await store.get(object_names.layer_chunks(entry.name), limit=NO_LIMIT), found.chunks_digest)
    at = 0
    for number, length in enumerate(listed.lengths):
        assert hashlib.sha256(plain[at : at + length]).digest() == listed.digests[32 * number : 32 * number + 32]
        at += length
    assert at == len(plain)
    return plain
