"""Writes an object that never changes: once, however often it is tried.

Invariant: an object that is there is never replaced.
"""

from __future__ import annotations

import operator
from enum import Enum, auto
from typing import TYPE_CHECKING

from dcdist.errors import FormatError, ObjectExistsError, ObjectMissingError
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from dcdist.ports.store import Store


class PutOutcome(Enum):
    """What became of the object."""

    WRITTEN = auto()
    """The store took it."""
    THERE = auto()
    """It was there already, with these bytes."""
    OTHER_BYTES = auto()
    """Other bytes stand in its place."""


async def put_once(store: Store, key: str, body: bytes | bytearray, *, look_first: bool = False) -> PutOutcome:
    """Create an object, or see what is there. `look_first` if it is probably there: that saves sending it.

    Raises:
        StoreError: The store could not take it, or not be asked.
    """
    if look_first and await _holds(store, key, body):
        return PutOutcome.THERE
    try:
        await store.put(key, memoryview(body), if_absent=True)
    except ObjectExistsError:
        # Also what a repeated request finds, when the answer to the first was lost.
        return PutOutcome.THERE if await _holds(store, key, body) else PutOutcome.OTHER_BYTES
    return PutOutcome.WRITTEN


async def _holds(store: Store, key: str, body: bytes | bytearray) -> bool:
    try:
        there = await store.get(key, limit=len(body))
    except (FormatError, ObjectMissingError):
        return False
    return await in_thread(operator.eq, there, body)
