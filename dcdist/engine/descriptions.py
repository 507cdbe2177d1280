"""Reads the small objects that describe a release, and asks once more for one whose bytes are wrong.

Invariant: what is returned was read by the reader it is for, which checks its promise; what is raised names the object.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from dcdist.engine.events import Trouble, Troubled
from dcdist.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.ports.store import Store

_Read = TypeVar("_Read")


async def read_description(
    store: Store,
    key: str,
    *,
    limit: int,
    read: Callable[[bytes], _Read],
    report: Callable[[Troubled], None] | None = None,
) -> tuple[bytes, _Read]:
    """An object of at most `limit` bytes, and what `read` makes of it.

    Raises:
        IntegrityError: It is not what was promised, twice; of the kind that `read` raised.
        StoreError: The store could not give it.
    """
    try:
        return await _try(store, key, limit, read)
    except IntegrityError as error:
        if report is not None:
            place = f"{store}/{key}"
            report(Troubled(f"{place}: {error}; asked for once more", Trouble.CORRUPT, place))
    return await _try(store, key, limit, read)


async def _try(store: Store, key: str, limit: int, read: Callable[[bytes], _Read]) -> tuple[bytes, _Read]:
    data = await store.get(key, limit=limit)
    try:
        return data, await asyncio.to_thread(read, data)
    except IntegrityError as error:
        raise type(error)(f"{store}/{key}: {error}", source=f"{store}/{key}") from error
