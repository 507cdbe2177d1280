"""Reads the small objects that describe a release, again for a while if one is missing or its bytes are wrong.

Invariant: what is returned was read by the reader it is for, which checks its promise; what is raised names the object.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, TypeVar

from dcdist.errors import FormatError, IntegrityError, ObjectMissingError, StoreError
from dcdist.model.trouble import Trouble, Troubled
from dcdist.policy.requests.rereading import PATIENT, rule_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.errors import DcdistError
    from dcdist.ports.store import Store

_Read = TypeVar("_Read")


async def read_description(
    store: Store,
    key: str,
    *,
    limit: int,
    read: Callable[[bytes], _Read],
    report: Callable[[Troubled], None] | None = None,
    promised: bool = True,
) -> tuple[bytes, _Read]:
    """An object of at most `limit` bytes, and what `read` makes of it.

    `promised`: a signed manifest names it, so that it must be there. `report` is told of every try that failed, before
    the next.

    Raises:
        IntegrityError: It is not what was promised, for as long as it was tried; of the kind that `read` raised.
        FormatError: It cannot be read; likewise.
        StoreError: The store could not give it; if it is promised, for as long as it was tried.
    """
    loop, chance = asyncio.get_running_loop(), random.Random()
    begun, number, waited = loop.time(), 1, 0.0
    while True:
        try:
            return await _try(store, key, limit, read)
        except (StoreError, IntegrityError, FormatError) as error:
            # Time that a slow store took to answer is not taken off that for which it is asked again.
            delay = rule_for(error, promised=promised, patient=PATIENT).delay(number, elapsed=waited, rng=chance)
            if delay is None:
                _conclude(error, number, loop.time() - begun, promised=promised)
                raise
            if report is not None:
                kind = Trouble.STORE if isinstance(error, StoreError) else Trouble.CORRUPT
                report(Troubled(f"{error}; try {number} failed, the next is in {delay:.1f} s", kind, f"{store}/{key}"))
        await asyncio.sleep(delay)
        number, waited = number + 1, waited + delay


async def _try(store: Store, key: str, limit: int, read: Callable[[bytes], _Read]) -> tuple[bytes, _Read]:
    data = await store.get(key, limit=limit)
    try:
        return data, await asyncio.to_thread(read, data)
    except (IntegrityError, FormatError) as error:
        error.args = (f"{store}/{key}: {error}",)
        if isinstance(error, IntegrityError):
            error.source = f"{store}/{key}"
        raise


def _conclude(error: DcdistError, number: int, elapsed: float, *, promised: bool) -> None:
    """Add what was tried, and what to do, to an error that ends it."""
    if number > 1:
        advice = ""
        if promised and isinstance(error, ObjectMissingError | IntegrityError | FormatError):
            advice = "; the release is damaged in the store: publish it again"
        error.args = (f"{error}; tried {number} times in {elapsed:.0f} s{advice}",)
