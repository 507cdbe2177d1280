"""The publishes that have a journal in a store: what each does, whether it is dead, whose it is.

Invariants: a publish counts as dead only if its process is known to be gone, or gave no sign of life for SILENCE.
However many journals somebody plants, a bounded number is read, and few are in memory at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from dcdist.catalog.publisher_process import RUNNING, is_gone, this_process
from dcdist.errors import FormatError, ObjectMissingError
from dcdist.formats import journal as codec
from dcdist.formats import object_names
from dcdist.model.geometry import MIB
from dcdist.tasks import in_parallel, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from dcdist.formats.journal import Journal, PublisherProcess
    from dcdist.formats.signature import PublicKey
    from dcdist.model.identity import LayerName
    from dcdist.ports.store import Entry, Store

SILENCE: Final = 300.0
"""A publish on another host that gave no sign of life for so many seconds, by the store's clock, is dead."""

JOURNALS_LIMIT: Final = 256
"""The most journals that are read, the newest first."""

BYTES_LIMIT: Final = 64 * MIB
"""The most bytes of all journals that are read."""

_PARALLEL: Final = 4


@dataclass(frozen=True, slots=True)
class ListedPublish:
    """A publish by its journal. `dead`: it will not go on by itself. `own`: the given key signed the journal."""

    publish: str
    journal: Journal
    dead: bool
    own: bool

    @property
    def finished(self) -> int:
        """Segments that it has in the store."""
        return sum(1 for layer in self.journal.layers for digest in layer.segments if digest)

    @property
    def needs(self) -> frozenset[LayerName]:
        """Layers that it has begun or may refer to: as long as it may go on, nobody may delete them."""
        return frozenset(layer.name for layer in self.journal.layers) | frozenset(self.journal.references)


@dataclass(frozen=True, slots=True)
class UnreadPublishes:
    """The keys of journals that cannot be read, and the number of those that are too many to read."""

    unreadable: tuple[str, ...]
    too_many: int


async def visit_publishes(store: Store, key: PublicKey, visit: Callable[[ListedPublish], None]) -> UnreadPublishes:
    """Read the journals in the store and hand each to `visit`, which keeps what it needs; returns what was not read.

    Raises:
        StoreError: The store cannot be read or listed.
    """
    listing = await store.list(object_names.PUBLISHES)
    here = this_process()
    unreadable: list[str] = []

    async def read(entry: Entry) -> None:
        publish = entry.key.removeprefix(object_names.PUBLISHES)
        try:
            data = await store.get(entry.key, limit=codec.JOURNAL_LIMIT)
            own, journal = await in_thread(_opened, data, publish, key)
        except ObjectMissingError:
            return  # it ended meanwhile
        except FormatError:
            unreadable.append(entry.key)
            return
        dead = _is_dead(publish, journal.owner, here, silence=listing.now - entry.modified, running=RUNNING)
        visit(ListedPublish(publish, journal, dead, own))

    wanted = _within_limits(listing.entries)
    await in_parallel([partial(read, entry) for entry in wanted], limit=_PARALLEL)
    return UnreadPublishes(tuple(sorted(unreadable)), len(listing.entries) - len(wanted))


def _within_limits(entries: Collection[Entry]) -> list[Entry]:
    """The newest journals, as many as are read."""
    found: list[Entry] = []
    left = BYTES_LIMIT
    for entry in sorted(entries, key=lambda entry: (-entry.modified, entry.key))[:JOURNALS_LIMIT]:
        size = min(entry.size, codec.JOURNAL_LIMIT)
        if size <= left:
            found.append(entry)
            left -= size
    return found


def _opened(data: bytes, publish: str, key: PublicKey) -> tuple[bool, Journal]:
    return codec.is_signed(data, publish, key), codec.decode(data)


def _is_dead(
    publish: str, owner: PublisherProcess, here: PublisherProcess, *, silence: float, running: Collection[str]
) -> bool:
    if owner == here:
        return publish not in running
    return silence > SILENCE or is_gone(owner, here)
