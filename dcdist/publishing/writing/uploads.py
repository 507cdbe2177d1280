"""Objects of new layers on their way into the store: a few at once, each written once, after a restart too."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from dcdist.errors import IntegrityError, ObjectChangedError
from dcdist.formats import object_names
from dcdist.model.geometry import SEGMENT_LENGTH
from dcdist.model.identity import Digest, LayerName
from dcdist.publishing.writing.put_once import PutOutcome, put_once
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from dcdist.ports.store import Store
    from dcdist.publishing.publish_journal import PublishJournal

_PARALLEL: Final = 3


class LayerNames:
    """The name of a layer that is being written; of each segment, its SHA-256 and under which name it stands."""

    def __init__(self, name: LayerName) -> None:
        self.current = name
        self.places: dict[int, LayerName] = {}
        self.digests: dict[int, Digest] = {}

    def replace(self, name: LayerName) -> LayerName:
        """Go on under another name than `name`, if that has not happened already."""
        if self.current == name:
            self.current = LayerName(secrets.token_hex(16))
        return self.current


class Uploads:
    """Writes segments, indexes and chunk lists, and tells the journal."""

    def __init__(self, store: Store, journal: PublishJournal, group: asyncio.TaskGroup) -> None:
        self._store = store
        self._journal = journal
        self._group = group
        self._turns = asyncio.Semaphore(_PARALLEL)
        self._inherited = list(journal.layers)
        self._present: dict[str, int] = {}
        self.uploaded = 0
        """Bytes that the store took."""

    async def look(self) -> int:
        """See what the inherited, dead publish left in the store; returns the bytes of its objects."""
        size = 0
        for layer in self._inherited:
            objects = object_names.layer_objects(layer)
            for entry in (await self._store.list(object_names.layer_prefix(layer))).entries:
                if entry.key in objects:
                    self._present[entry.key] = entry.size
                    size += entry.size
        return size

    def next_layer(self) -> LayerName:
        """The name of the next layer: the next of the inherited ones, then a new one."""
        return self._inherited.pop(0) if self._inherited else LayerName(secrets.token_hex(16))

    async def begin_segment(self, names: LayerNames, number: int, body: bytearray) -> asyncio.Task[None]:
        """Begin to write a segment; waits while others are on their way. `body` must not change after that."""
        await self._turns.acquire()
        return self._group.create_task(self._segment(names, number, body))

    async def gather_segments(self, names: LayerNames, count: int) -> None:
        """Copy those segments that stand under an earlier name of the layer."""
        for number in range(count):
            place = names.places[number]
            if place != names.current:
                await self._put_segment(names, number, await self._get_segment(place, number, names.digests[number]))

    async def _get_segment(self, place: LayerName, number: int, digest: Digest) -> bytes:
        """A segment of this publish, as it was written: others may write to the store too."""
        key = object_names.layer_segment(place, number)
        body = await self._store.get(key, limit=SEGMENT_LENGTH)
        if await in_thread(_sha256, body) != digest:
            raise IntegrityError(
                f"{self._store}: {key} is not what this publish wrote there: its SHA-256 differs; who else writes to "
                "this store?",
                source=f"{self._store}/{key}",
            )
        return body

    async def put_once(self, key: str, body: bytes | bytearray) -> bool:
        """Write an object, or see that it is there with these bytes; False if others are there."""
        outcome = await put_once(self._store, key, body, look_first=key in self._present)
        if outcome is PutOutcome.WRITTEN:
            self.uploaded += len(body)
        return outcome is not PutOutcome.OTHER_BYTES

    async def put(self, key: str, body: bytes) -> None:
        """Write an object that is named by its content."""
        await self._store.put(key, body)
        self.uploaded += len(body)

    def taken(self, key: str) -> ObjectChangedError:
        """What ends a publish whose new, random names are taken again and again."""
        return ObjectChangedError(
            f"{self._store}: {key} holds other bytes already, although its name is new and random: who else writes to "
            "this store?",
            store=str(self._store),
            key=key,
        )

    async def _segment(self, names: LayerNames, number: int, body: bytearray) -> None:
        try:
            digest = names.digests[number] = await in_thread(_sha256, body)
            await self._journal.begin_layer(names.current)
            if self._is_there(names.current, number, digest, len(body)):
                names.places[number] = names.current
            else:
                await self._put_segment(names, number, body)
                await self._journal.finished(names.places[number], number, digest)
        finally:
            self._turns.release()

    async def _put_segment(self, names: LayerNames, number: int, body: bytes | bytearray) -> None:
        name = names.current
        if not await self.put_once(object_names.layer_segment(name, number), body):
            name = names.replace(name)
            await self._journal.begin_layer(name)
            if not await self.put_once(object_names.layer_segment(name, number), body):
                raise self.taken(object_names.layer_segment(name, number))
        names.places[number] = name

    def _is_there(self, layer: LayerName, number: int, digest: Digest, length: int) -> bool:
        known = self._journal.segments(layer)
        return (
            number < len(known)
            and known[number] == digest
            and self._present.get(object_names.layer_segment(layer, number)) == length
        )


def _sha256(body: bytes | bytearray) -> Digest:
    """Blocks."""
    return Digest(hashlib.sha256(body).digest())
