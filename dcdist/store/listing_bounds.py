"""How much one listing may bring and take, whatever the store sends. Pure: `now` is an argument.

Invariant: what a listing holds in memory, and how long it takes, is bounded. A store of 300 releases lists some 100,000
names; a look at 100,000 hosts fits too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dcdist.errors import StoreError
from dcdist.model.geometry import MIB
from dcdist.model.quantities import show_bytes, show_count, show_duration

_NAME: Final = 350
"""Bytes of memory that a name takes besides its characters: the entry, its numbers, its places in tables."""


@dataclass(frozen=True, slots=True)
class ListingBounds:
    """The most that the names of a listing may take: `memory` in bytes, `seconds`."""

    memory: int
    seconds: float


WHOLE: Final = ListingBounds(memory=256 * MIB, seconds=600.0)
"""Of a listing that must be whole: beyond, it is an error."""

LOOK: Final = ListingBounds(memory=64 * MIB, seconds=60.0)
"""Of a look: beyond, what has come by then must do."""


class ListingMeter:
    """Counts what comes of one listing."""

    def __init__(self, bounds: ListingBounds, *, now: float) -> None:
        """The listing begins `now` (seconds)."""
        self._bounds = bounds
        self._begun = now
        self._names = 0
        self._memory = 0

    def count(self, names: int, characters: int) -> None:
        """So many names came, with so many characters together, whether they can be keys or not."""
        self._names += names
        self._memory += names * _NAME + characters

    def excess(self, *, now: float) -> str:
        """What is too much by now, in words; empty if nothing is."""
        if self._memory > self._bounds.memory:
            return f"{show_count(self._names, 'name')} need more memory than {show_bytes(self._bounds.memory)}"
        if now - self._begun > self._bounds.seconds:
            return f"it has brought {show_count(self._names, 'name')} in over {show_duration(self._bounds.seconds)}"
        return ""


def bounds_for(*, look: bool) -> ListingBounds:
    """The bounds of a look, or of a listing that must be whole."""
    return LOOK if look else WHOLE


def endless(excess: str, *, store: str, prefix: str) -> StoreError:
    """The error for a listing that must be whole and has brought too much; `excess` says what."""
    return StoreError(
        f"{store}: the listing of {prefix or 'everything'} does not end: {excess}; whoever may write to the store can "
        "fill it: delete what is not dcdist's, and see who may write there",
        store=store,
        key=prefix,
    )


def cut_short(excess: str, *, store: str, prefix: str) -> str:
    """What is told of a look that ended early; `excess` says why."""
    return f"{store}: not all of {prefix or 'the store'} is looked at: {excess}"
