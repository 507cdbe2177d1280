"""The long part of a publish: images in, layers and extents in the store out; only the manifest is left to write.

It reads, cuts, places, compresses, fills layers and uploads at once, and holds a bounded amount between the steps.
"""

from __future__ import annotations

from array import array
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from dcdist.catalog.promised import read_chunks, read_index
from dcdist.formats import extents, object_names
from dcdist.formats.extents import LAYERS_LIMIT
from dcdist.model.release import Image
from dcdist.publishing.cutting.chunker import Chunker
from dcdist.publishing.cutting.known_chunks import KnownChunks
from dcdist.publishing.cutting.placer import NEW, NOWHERE, ContentCounts, DraftExtents, Placer
from dcdist.publishing.few_notes import FewNotes
from dcdist.publishing.layout import Layout, MovedLayer
from dcdist.publishing.publish_events import (
    ImagePublished,
    LayerMoved,
    NotShared,
    PublishProgress,
    Resumed,
)
from dcdist.publishing.reading.input_images import batches, started
from dcdist.publishing.sharing.live_frames import live_frames
from dcdist.publishing.sharing.old_layers import OldLayer, choose, mark_all
from dcdist.publishing.sharing.shared_layers import learn_chunks
from dcdist.publishing.writing.layer_writer import LayerWriter
from dcdist.publishing.writing.packer_pool import PackerPool
from dcdist.publishing.writing.uploads import Uploads
from dcdist.tasks import in_parallel, in_thread, task_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dcdist.model.release import LayerEntry
    from dcdist.ports.store import Store
    from dcdist.publishing.cutting.placer import PlainFrame
    from dcdist.publishing.publish_events import PublishEvent
    from dcdist.publishing.publish_journal import PublishJournal
    from dcdist.publishing.publish_request import PublishRequest
    from dcdist.publishing.reading.image_input import ImageInput
    from dcdist.publishing.reading.input_images import InputImages


@dataclass(frozen=True, slots=True)
class Built:
    """What the manifest will say, and where the images' bytes came from. `new` are the new ones of `layers`."""

    images: tuple[Image, ...]
    layers: tuple[LayerEntry, ...]
    new: tuple[LayerEntry, ...]
    counts: ContentCounts
    read: int
    uploaded: int


@dataclass(frozen=True, slots=True)
class _ReadImage:
    source: ImageInput
    run: DraftExtents


async def build(
    store: Store,
    request: PublishRequest,
    images: InputImages,
    shareable: Sequence[LayerEntry],
    journal: PublishJournal,
    *,
    report: Callable[[PublishEvent], None],
) -> Built:
    """Read the images and put everything new in them into the store.

    Raises:
        XvaError: An image is damaged.
        InputChangedError: A file changed while it was read.
        DiskError: An image cannot be read, or the temporary folder has no room.
        StoreError: The store refused.
        IntegrityError: An old layer is damaged in the store.
    """
    notes = FewNotes(report, NotShared, place="layers/")
    with KnownChunks() as known:
        await learn_chunks(store, shareable, known, skipped=notes.note)
        notes.finish()
        async with PackerPool(request.level) as packers, task_group() as group:
            signs_of_life = group.create_task(journal.refresh())
            uploads = Uploads(store, journal, group)
            if left := await uploads.look():
                report(Resumed(left))
            writer = LayerWriter(uploads, group, limit=request.cut.layer, report=report)
            placer = Placer(known, request.cut.frame)
            builder = _Builder(store, request, images, uploads, writer, packers, placer, report)
            built = await builder.build(shareable)
            signs_of_life.cancel()
    return built


class _Builder:
    def __init__(
        self,
        store: Store,
        request: PublishRequest,
        images: InputImages,
        uploads: Uploads,
        writer: LayerWriter,
        packers: PackerPool,
        placer: Placer,
        report: Callable[[PublishEvent], None],
    ) -> None:
        self._store = store
        self._cut = request.cut
        self._images = images
        self._uploads = uploads
        self._writer = writer
        self._packers = packers
        self._placer = placer
        self._report = report
        self._counts = ContentCounts()

    async def build(self, shareable: Sequence[LayerEntry]) -> Built:
        read = [await self._read(source) for source in self._images.inputs]
        await self._pack(self._placer.rest())
        while frame := await self._packers.take(all_of_them=True):
            await self._writer.add(frame)
        old = await self._old_layers(shareable, [each.run for each in read])
        chosen = choose(
            old,
            finished=self._writer.finished,
            open_length=self._writer.open_length,
            limit=self._cut.layer,
            most=LAYERS_LIMIT,
        )
        moved = {layer.source: await self._move(layer) for layer in chosen}
        new = await self._writer.finish()
        kept = {layer.source: layer.entry for layer in old if layer.source not in moved}
        layout = Layout(new, moved, kept)
        images = [await self._lay_out(each, layout) for each in read]
        self._progress()
        return Built(
            tuple(images),
            tuple(layout.layers.values()),
            tuple(layer.entry for layer in new),
            self._counts,
            self._images.read,
            self._uploads.uploaded,
        )

    async def _read(self, source: ImageInput) -> _ReadImage:
        self._report(started(source))
        chunker = Chunker(self._cut.chunk)
        async with aclosing(batches(source)) as parts:
            async for batch in parts:
                await self._pack(await in_thread(self._placer.place, chunker.receive(batch)))
                self._progress()
        await self._pack(await in_thread(self._placer.place, chunker.finish()))
        run, counts = self._placer.finish_image()
        self._counts.add(counts)
        self._report(ImagePublished(source.name, source.plain, counts.new, counts.reused, counts.zeros))
        return _ReadImage(source, run)

    async def _pack(self, frames: Iterable[PlainFrame]) -> None:
        for frame in frames:
            self._packers.submit(frame)
            if packed := await self._packers.take():
                await self._writer.add(packed)

    async def _old_layers(self, shareable: Sequence[LayerEntry], runs: Sequence[DraftExtents]) -> list[OldLayer]:
        used = sorted({source for run in runs for source in run.sources} - {NEW, NOWHERE})

        async def read(source: int) -> OldLayer:
            _, index = await read_index(self._store, shareable[source], again=False)
            return OldLayer(source, shareable[source], index, bytearray(len(index.frames)))

        layers = await in_parallel([partial(read, source) for source in used], limit=4)
        await in_thread(mark_all, {layer.source: layer for layer in layers}, runs)
        return layers

    async def _move(self, layer: OldLayer) -> MovedLayer:
        starts = array("q", [-1]) * len(layer.live)
        chunks = await read_chunks(self._store, layer.index)
        moved = 0
        async with aclosing(live_frames(self._store, layer, chunks)) as frames:
            async for number, frame in frames:
                starts[number] = self._writer.stream
                await self._writer.add(frame)
                moved += len(frame.data)
        self._report(LayerMoved(layer.entry.name, layer.entry.length, moved))
        return MovedLayer(layer.index.frames, starts)

    async def _lay_out(self, image: _ReadImage, layout: Layout) -> Image:
        data = await in_thread(lambda: extents.encode(layout.extents(image.run)))
        digest = extents.digest(data)
        await self._uploads.put(object_names.image_extents(digest), data)
        return Image(image.source.name, image.source.plain, image.source.digest, digest)

    def _progress(self) -> None:
        self._report(PublishProgress(self._images.read, self._images.total, self._uploads.uploaded))
