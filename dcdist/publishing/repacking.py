"""Old layers of which little lives: their live frames are moved, byte for byte, into the new stream.

A host needs whole layers, so what is dead in them is fetched for nothing; and a release must stay under a number of
layers. Hosts that have the old layer copy the moved frames from their cache. Choosing is pure; moving reads by range.
"""

from __future__ import annotations

import hashlib
import random
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from dcdist.errors import FormatError, IntegrityError, StoreError
from dcdist.formats import object_names
from dcdist.formats.fields import DIGEST_LENGTH
from dcdist.model.geometry import MIB
from dcdist.policy.requests.retry import Backoff, if_retryable
from dcdist.publishing.packing import PackedFrame
from dcdist.retry_loop import retry

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

    from dcdist.formats.chunks import ChunkList
    from dcdist.model.layer import Frame, Index
    from dcdist.model.release import LayerEntry
    from dcdist.ports.store import Store
    from dcdist.publishing.placing import Run

ALIVE: Final = 0.7
"""A layer of which less lives is moved."""

_RANGE: Final = 8 * MIB


@dataclass(frozen=True, slots=True, eq=False)
class OldLayer:
    """A layer of the store that the images refer to: `live` has a 1 for each frame that they need."""

    source: int
    entry: LayerEntry
    index: Index
    live: bytearray

    @property
    def live_length(self) -> int:
        """Bytes of the live frames."""
        frames = self.index.frames
        return sum(frames.starts[n + 1] - frames.starts[n] for n, alive in enumerate(self.live) if alive)

    def mark(self, start: int, length: int) -> None:
        """Note that these plain bytes are needed."""
        frames = self.index.frames
        first, last = frames.at_plain(start), frames.at_plain(start + length - 1)
        self.live[first : last + 1] = b"\1" * (last + 1 - first)


def mark_all(layers: dict[int, OldLayer], runs: Iterable[Run]) -> None:
    """Mark what the extents of all images need of their old layers. Blocks."""
    for run in runs:
        for source, start, length in run:
            if source in layers:
                layers[source].mark(start, length)


def choose(old: Sequence[OldLayer], *, finished: int, open_length: int, limit: int, most: int) -> list[OldLayer]:
    """The layers to move: those that are mostly dead, and then the smallest, until at most `most` are needed.

    `finished` new layers are full; the one that is being filled has `open_length` bytes of `limit`.
    """
    moved = [layer for layer in old if layer.live_length < ALIVE * layer.entry.length]
    staying = sorted(
        (layer for layer in old if layer not in moved), key=lambda layer: (layer.live_length, layer.source)
    )
    length = open_length + sum(layer.live_length for layer in moved)

    def needed() -> int:
        # Layers end at frame boundaries, so each may stay a little short of its limit.
        return finished + -(-length // max(1, limit - 2 * MIB)) + len(staying)

    while staying and needed() > most:
        layer = staying.pop(0)
        moved.append(layer)
        length += layer.live_length
    return sorted(moved, key=lambda layer: layer.source)


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
