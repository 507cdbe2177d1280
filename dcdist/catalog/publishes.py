"""The publishes that have a journal in a store: what each does, whether it is dead, and what it needs kept.

Invariant: a publish counts as dead only if its process is known to be gone, or gave no sign of life for SILENCE.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dcdist.catalog.publisher_process import RUNNING, is_gone, this_process
from dcdist.errors import FormatError, ObjectMissingError
from dcdist.formats import journal as codec
from dcdist.formats import object_names

if TYPE_CHECKING:
    from collections.abc import Collection

    from dcdist.formats.journal import Journal, PublisherProcess
    from dcdist.model.identity import LayerName
    from dcdist.ports.store import Store

SILENCE: Final = 300.0
"""A publish on another host that gave no sign of life for so many seconds, by the store's clock, is dead."""


@dataclass(frozen=True, slots=True)
class ListedPublish:
    """A publish by its journal. `dead`: it will not go on by itself."""

    publish: str
    journal: Journal
    dead: bool

    @property
    def finished(self) -> int:
        """Segments that it has in the store."""
        return sum(1 for layer in self.journal.layers for digest in layer.segments if digest)

    @property
    def needs(self) -> frozenset[LayerName]:
        """Layers that it has begun or may refer to: as long as it may go on, nobody may delete them."""
        return frozenset(layer.name for layer in self.journal.layers) | frozenset(self.journal.references)


@dataclass(frozen=True, slots=True)
class Publishes:
    """All publishes with a journal, and the keys of journals that cannot be read."""

    readable: tuple[ListedPublish, ...]
    unreadable: tuple[str, ...]


async def list_publishes(store: Store) -> Publishes:
    """Read all journals in the store.

    Raises:
        StoreError: The store cannot be read or listed.
    """
    listing = await store.list(object_names.PUBLISHES)
    here = this_process()
    readable: list[ListedPublish] = []
    unreadable: list[str] = []
    for entry in listing.entries:
        try:
            journal = codec.decode(await store.get(entry.key, limit=codec.JOURNAL_LIMIT))
        except ObjectMissingError:
            continue  # it ended meanwhile
        except FormatError:
            unreadable.append(entry.key)
            continue
        publish = entry.key.removeprefix(object_names.PUBLISHES)
        dead = _is_dead(publish, journal.owner, here, silence=listing.now - entry.modified, running=RUNNING)
        readable.append(ListedPublish(publish, journal, dead))
    return Publishes(tuple(readable), tuple(unreadable))


def _is_dead(
    publish: str, owner: PublisherProcess, here: PublisherProcess, *, silence: float, running: Collection[str]
) -> bool:
    if owner == here:
        return publish not in running
    return silence > SILENCE or is_gone(owner, here)
