"""Reads the live frames of an old layer from the store, checked: they go into new layers as they are.

Invariant: what is given has the SHA-256 that the index promises, and its chunks with it.
"""

from __future__ import annotations

import hashlib
import random
from array import array
from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from dcdist.errors import FormatError, IntegrityError, StoreError
from dcdist.formats import object_names
from dcdist.formats.fields import DIGEST_LENGTH
from dcdist.model.geometry import MIB
from dcdist.policy.requests.retry import Backoff, if_retryable
from dcdist.publishing.writing.packer_pool import PackedFrame
from dcdist.retry_loop import retry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from dcdist.formats.chunks import ChunkList
    from dcdist.model.layer import Frame, Index
    from dcdist.ports.store import Store
    from dcdist.publishing.sharing.old_layers import OldLayer

_RANGE: Final = 8 * MIB


async def live_frames(
    store: Store, layer: OldLayer, chunks: ChunkList
) -> AsyncGenerator[tuple[int, PackedFrame], None]:
    """The live frames with their numbers, read from the store and checked.

    Raises:
        IntegrityError: The store has other bytes than the index promises.
        FormatError: A chunk lies across two frames.
        StoreError: They cannot be read.
    """
    starts = array("Q", accumulate(chunks.lengths, initial=0))
    for frames in _ranges(layer):
        start, stop = frames[0].start, frames[-1].start + frames[-1].length
        data = memoryview(await _read(store, layer.index, start, stop))
        for frame in frames:
            part = data[frame.start - start : frame.start - start + frame.length]
            if hashlib.sha256(part).digest() != frame.digest:
                raise IntegrityError(
                    f"{store}: frame {frame.number} of layer {layer.entry.name} is damaged: its SHA-256 differs",
                    source=str(store),
                )
            first, last = (
                bisect_left(starts, at) for at in (frame.plain_start, frame.plain_start + frame.plain_length)
            )
            if starts[first] != frame.plain_start or starts[last] != frame.plain_start + frame.plain_length:
                raise FormatError(f"a chunk of layer {layer.entry.name} lies across frames: it cannot be moved")
            digests = chunks.digests[first * DIGEST_LENGTH : last * DIGEST_LENGTH]
            packed = PackedFrame(part, frame.digest, frame.plain_length, digests, chunks.lengths[first:last])
            yield frame.number, packed


def _ranges(layer: OldLayer) -> Iterator[list[Frame]]:
    """Live frames that are neighbours, a few MiB together."""
    group: list[Frame] = []
    for number, alive in enumerate(layer.live):
        if group and (not alive or (number - group[0].number >= 1 and _length(group) >= _RANGE)):
            yield group
            group = []
        if alive:
            group.append(layer.index.frames[number])
    if group:
        yield group


def _length(frames: list[Frame]) -> int:
    return frames[-1].start + frames[-1].length - frames[0].start


async def _read(store: Store, index: Index, start: int, stop: int) -> bytes:
    """These bytes of the layer, from each segment that holds some."""
    data = bytearray()
    while start < stop:
        segment, offset = divmod(start, index.geometry.segment_length)
        length = min(stop - start, index.geometry.segment_length - offset)
        data += await _read_again(store, object_names.layer_segment(index.layer, segment), offset, length)
        start += length
    return bytes(data)


async def _read_again(store: Store, key: str, start: int, length: int) -> bytes:
    """A range, asked for again as long as that can help: stores leave this to their callers."""

    async def read(_: int) -> bytes:
        async with store.read(key, start=start, length=length) as parts:
            return b"".join([part async for part in parts])

    return await retry(read, if_retryable(Backoff()), errors=StoreError, rng=random.Random(key))
