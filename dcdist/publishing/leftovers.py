"""What ended publishes of a release left in the store: the next publish goes on with it, or it is deleted.

Invariant: only layers that a journal of this publisher's own key names are deleted, and of these none that a release or
another publish names. Whoever else may write to the store can keep things there, and have nothing removed.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.catalog.layers_in_use import layers_in_use
from dcdist.catalog.publishes import visit_publishes
from dcdist.errors import FormatError, StoreError
from dcdist.formats import object_names
from dcdist.publishing.few_notes import FewNotes
from dcdist.publishing.publish_events import LeftAlone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from dcdist.catalog.publishes import ListedPublish
    from dcdist.model.identity import LayerName
    from dcdist.model.release import Release
    from dcdist.ports.store import Store
    from dcdist.publishing.publish_events import PublishEvent
    from dcdist.publishing.publish_request import PublishRequest


class Leftovers:
    """What earlier publishes of a request's release left in the store."""

    def __init__(self, store: Store, request: PublishRequest, report: Callable[[PublishEvent], None]) -> None:
        self._store = store
        self._release = request.name
        self._key = request.key.public
        self._report = report

    async def look(self) -> list[ListedPublish]:
        """This publisher's own dead publishes of the release, those with the most to inherit first; others are noted.

        Raises:
            StoreError: The store cannot be read or listed.
        """
        strange: list[str] = []
        own, too_many = await self._dead_publishes(strange.append)
        notes = FewNotes(self._report, LeftAlone, place=object_names.PUBLISHES)
        for publish in sorted(strange):
            notes.note(
                object_names.publish_journal(publish),
                "a dead publish of this release, which this key did not sign: it is not resumed, and nothing of it is "
                "deleted",
            )
        notes.finish()
        if too_many:
            self._report(LeftAlone(object_names.PUBLISHES, f"{too_many} journals are more than are read"))
        return own

    async def discard(self, publish: str, layers: Iterable[LayerName], visible: Release | None) -> None:
        """Delete the journal of an ended publish of this key, and of the layers that it began those that nothing needs.

        `visible` is the release that is known to be visible now. If the store fails, or what is needed cannot be known,
        all is left to a collector.
        """
        needed = {entry.name for entry in visible.layers} if visible else set()
        spare = frozenset(layers) - needed
        with suppress(StoreError):
            if spare and not await self._delete(publish, spare):
                return
            await self._store.delete(object_names.publish_journal(publish))

    async def sweep(self, visible: Release) -> None:
        """Now that the release is visible, delete what its dead publishes have left."""
        with suppress(StoreError):
            own, _ = await self._dead_publishes(lambda _: None)
            for dead in own:
                await self.discard(dead.publish, [layer.name for layer in dead.journal.layers], visible)

    async def _dead_publishes(self, strange: Callable[[str], None]) -> tuple[list[ListedPublish], int]:
        """Those of this key; `strange` is called with the others. And the number of journals that were not read."""
        found: list[ListedPublish] = []

        def visit(publish: ListedPublish) -> None:
            if publish.dead and publish.journal.release == self._release:
                if publish.own:
                    found.append(publish)
                else:
                    strange(publish.publish)

        unread = await visit_publishes(self._store, self._key, visit)
        return sorted(found, key=lambda each: (-each.finished, each.publish)), unread.too_many

    async def _delete(self, publish: str, layers: frozenset[LayerName]) -> bool:
        """Delete those of `layers` that nothing needs; False if that cannot be known."""
        try:
            needed = await layers_in_use(self._store, layers, key=self._key, ended={publish})
        except FormatError as error:
            what = f"{len(layers)} layers that an ended publish left are not deleted, since what is needed is unknown"
            self._report(LeftAlone(object_names.publish_journal(publish), f"{what}: {error}"))
            return False
        for layer in sorted(layers - needed):
            objects = object_names.layer_objects(layer)
            for entry in (await self._store.list(object_names.layer_prefix(layer))).entries:
                if entry.key in objects:
                    await self._store.delete(entry.key)
        return True
