"""What a release adds to the one before: its new layers, and the bytes that a host with the one before must move.

Invariant: these are the bytes that a fetch moves into a cache that holds all layers of the release before, since both
stand on `filled_pieces`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from dcdist.catalog.promised import read_index
from dcdist.errors import FormatError, IntegrityError, ObjectMissingError
from dcdist.formats import object_names
from dcdist.model.filled_pieces import filled_pieces
from dcdist.tasks import in_parallel, in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.model.layer import Index
    from dcdist.model.release import LayerEntry, Release
    from dcdist.ports.store import Store

_PARALLEL: Final = 8


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An object of the store that cannot be read, and why."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Delta:
    """`layers`: those that the release before does not need; `moved`: bytes that a host with all of its layers moves.

    `unreadable`: indexes that would say what such a host can copy; where one is missing, `moved` may be too large.
    """

    layers: tuple[LayerEntry, ...]
    moved: int
    unreadable: tuple[Unreadable, ...] = ()


async def read_delta(store: Store, release: Release, before: Release | None) -> Delta:
    """What `release` adds to `before`; to nothing, if there is none. Indexes are read only where frames may have moved.

    Raises:
        StoreError: The store could not be asked.
    """
    had = before.layers if before else ()
    new, gone = _without(release.layers, had), _without(had, release.layers)
    if not new or not gone:
        return Delta(new, sum(entry.length for entry in new))
    found = await in_parallel([partial(_index, store, entry) for entry in (*new, *gone)], limit=_PARALLEL)
    unreadable = tuple(each for each in found if isinstance(each, Unreadable))
    readable = {each.layer: each for each in found if not isinstance(each, Unreadable)}
    old = [readable[entry.name] for entry in gone if entry.name in readable]
    copied = await in_thread(_copied, [readable[entry.name] for entry in new if entry.name in readable], old)
    return Delta(new, sum(entry.length for entry in new) - copied, unreadable)


def _without(layers: Sequence[LayerEntry], others: Sequence[LayerEntry]) -> tuple[LayerEntry, ...]:
    names = {entry.name for entry in others}
    return tuple(entry for entry in layers if entry.name not in names)


def _copied(new: Sequence[Index], old: Sequence[Index]) -> int:
    """Bytes of the new layers that a host with the old ones copies. Blocks."""
    had = {index.frames.digest(number) for index in old for number in range(len(index.frames))}
    return sum(index.geometry.bytes_of(filled_pieces(index, had)) for index in new)


async def _index(store: Store, entry: LayerEntry) -> Index | Unreadable:
    try:
        _, index = await read_index(store, entry, again=False)
    except (ObjectMissingError, FormatError, IntegrityError) as error:
        return Unreadable(object_names.layer_index(entry.name), str(error))
    return index
