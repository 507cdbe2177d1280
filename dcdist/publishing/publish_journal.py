"""The journal of a running publish in the store: written first, refreshed, inherited from a dead one, deleted last.

Invariant: of all who find a dead publish, one goes on with its layers. It creates the journal of a successor, whose ID
follows from the dead one's: the second to come finds it there. What the publisher's key did not sign is not its
journal.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from dcdist.catalog.publisher_process import RUNNING, this_process
from dcdist.catalog.publishes import SILENCE
from dcdist.errors import FormatError, ObjectChangedError, ObjectExistsError, ObjectMissingError, StoreError
from dcdist.formats import journal as codec
from dcdist.formats import object_names
from dcdist.formats.journal import JOURNAL_LIMIT, Journal, JournalLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.catalog.publishes import ListedPublish
    from dcdist.formats.signature import PrivateKey
    from dcdist.model.identity import Digest, LayerName, ReleaseName
    from dcdist.ports.store import Store

REFRESH: Final = 30.0
"""Seconds between signs of life."""


class PublishJournal:
    """The journal of this publish. Use it as a context: outside of it, the publish counts as dead."""

    def __init__(
        self,
        store: Store,
        release: ReleaseName,
        key: PrivateKey,
        references: Sequence[LayerName],
        inherited: ListedPublish | None = None,
    ) -> None:
        self._store = store
        self._release = release
        self._signer = key
        self._references = tuple(references)
        self._inherited = inherited
        self.publish = codec.successor(inherited.publish) if inherited else secrets.token_hex(16)
        """The ID of this publish."""
        self._key = object_names.publish_journal(self.publish)
        self._owner = this_process()
        self._lock = asyncio.Lock()
        layers = inherited.journal.layers if inherited else ()
        self._layers: dict[LayerName, list[Digest | None]] = {layer.name: list(layer.segments) for layer in layers}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        RUNNING.discard(self.publish)

    @property
    def layers(self) -> tuple[LayerName, ...]:
        """All layers that were begun, by this publish or by the one that it inherits."""
        return tuple(self._layers)

    def segments(self, layer: LayerName) -> Sequence[Digest | None]:
        """The segments of a layer, as far as known: the SHA-256 of those in the store."""
        return self._layers.get(layer, ())

    async def create(self) -> bool:
        """Write it for the first time; False if another publish has inherited the dead one already."""
        if self.publish in RUNNING:
            return False
        RUNNING.add(self.publish)
        try:
            created = await self._put_first()
        except BaseException:
            RUNNING.discard(self.publish)
            raise
        if not created:
            RUNNING.discard(self.publish)
        elif self._inherited:
            with suppress(StoreError):
                await self._store.delete(object_names.publish_journal(self._inherited.publish))
        return created

    async def begin_layer(self, layer: LayerName) -> None:
        """Note a layer before its first segment is written."""
        if layer not in self._layers:
            self._layers[layer] = []
            await self.save()

    async def finished(self, layer: LayerName, number: int, digest: Digest) -> None:
        """Note that a segment is in the store."""
        segments = self._layers[layer]
        segments.extend([None] * (number + 1 - len(segments)))
        if segments[number] != digest:
            segments[number] = digest
            await self.save()

    async def save(self) -> None:
        """Write it again.

        Raises:
            ObjectChangedError: Another publish took over, because this one gave no sign of life for too long.
        """
        async with self._lock:
            await self.require_own()
            await self._store.put(self._key, self._encode())

    async def require_own(self) -> None:
        """Check that no other publish took over.

        Raises:
            ObjectChangedError: One did.
        """
        if not await self._is_own():
            raise ObjectChangedError(
                f"{self._store}: the publish of {self._release} was taken over by another one, after no sign of life "
                f"for {SILENCE:g} s, or somebody else changed or deleted its journal; publish again once no other "
                "publish of it runs",
                store=str(self._store),
                key=self._key,
            )

    async def refresh(self) -> None:
        """Give signs of life until cancelled."""
        while True:
            await asyncio.sleep(REFRESH)
            await self.save()

    async def _put_first(self) -> bool:
        try:
            await self._store.put(self._key, self._encode(), if_absent=True)
        except ObjectExistsError:
            # If the answer to a first try was lost, the one that is there is ours.
            return await self._is_own()
        return True

    async def _is_own(self) -> bool:
        try:
            data = await self._store.get(self._key, limit=JOURNAL_LIMIT)
            return codec.is_signed(data, self.publish, self._signer.public) and codec.decode(data).owner == self._owner
        except (ObjectMissingError, FormatError):
            return False

    def _encode(self) -> bytes:
        layers = tuple(JournalLayer(name, tuple(segments)) for name, segments in self._layers.items())
        journal = Journal(self._release, self._owner, layers, self._references)
        return codec.encode(journal, self.publish, self._signer)
