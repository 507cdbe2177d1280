"""Reads the small objects that describe a release, again for a while if one is missing or its bytes are wrong.

Invariant: what is returned was read by `read`, which checks what was promised; what is raised names the object.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from dcdist.errors import DcdistError, FormatError, IntegrityError, ObjectMissingError, SignatureError, StoreError
from dcdist.model.trouble import Trouble, Troubled
from dcdist.policy.requests.rereading import PATIENT, rule_for
from dcdist.retry_loop import retry
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.ports.store import Store

_Read = TypeVar("_Read")
_ERRORS: Final[tuple[type[DcdistError], ...]] = (StoreError, IntegrityError, FormatError)


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

    `promised`: a signed manifest names it, so it must be there. `report` is called after each failed try, before the
    next.

    Raises:
        IntegrityError: It is not what was promised, for as long as it was tried; of the kind that `read` raised.
        FormatError: It cannot be read; likewise.
        StoreError: The store could not give it; if it is promised, for as long as it was tried.
    """

    def failed(error: DcdistError, number: int, delay: float) -> None:
        # A stranger's signature is an answer, not a failure.
        if report is not None and not (isinstance(error, SignatureError) and not error.damaged):
            kind = Trouble.STORE if isinstance(error, StoreError) else Trouble.CORRUPT
            message = f"{error}; try {number} failed, the next is in {delay:.1f} s"
            if number == 1 and (rule := rule_for(error, promised=promised, patient=PATIENT)).tries > 2:
                message += f", and so on for up to {rule.total:.0f} s"
            report(Troubled(message, kind, f"{store}/{key}"))

    def read_at_place(data: bytes) -> _Read:
        try:
            return read(data)
        except (IntegrityError, FormatError) as error:
            error.add_context(place=f"{store}/{key}")
            if isinstance(error, IntegrityError):
                error.source = f"{store}/{key}"
            raise

    return await retry(
        lambda _: read_once(store, key, limit=limit, read=read_at_place),
        lambda error: rule_for(error, promised=promised, patient=PATIENT),
        errors=_ERRORS,
        rng=random.Random(),
        failed=failed,
        gave_up=partial(_conclude, promised=promised),
        # Time that a slow store took to answer is not taken off that for which it is asked again.
        count_answers=False,
    )


async def read_once(store: Store, key: str, *, limit: int, read: Callable[[bytes], _Read]) -> tuple[bytes, _Read]:
    """An object of at most `limit` bytes, and what `read` makes of it in a thread.

    Raises:
        StoreError: The store could not give it.
        IntegrityError, FormatError: As `read`; or it is longer than `limit`.
    """
    # An error that is raised anew here holds none of the frames that hold the object.
    found = await _read_or_error(store, key, limit, read)
    if isinstance(found, DcdistError):
        raise found
    return found


async def _read_or_error(
    store: Store, key: str, limit: int, read: Callable[[bytes], _Read]
) -> tuple[bytes, _Read] | DcdistError:
    try:
        data = await store.get(key, limit=limit)
        return data, await in_thread(read, data)
    except DcdistError as error:
        return error.let_go()


def _conclude(error: DcdistError, number: int, seconds: float, *, promised: bool) -> None:
    """Add what was tried, and what to do, to an error that ends it."""
    if number > 1:
        error.add_context(note=f"tried {number} times in {seconds:.0f} s")
        if promised and isinstance(error, ObjectMissingError | IntegrityError | FormatError):
            error.add_context(note="the release is damaged in the store: publish it again")
