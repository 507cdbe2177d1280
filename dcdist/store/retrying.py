"""A store that tries small operations again, as `dcdist.policy.requests.retry` says; reads are tried once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dcdist.errors import FormatError, ObjectExistsError, ObjectMissingError, StoreError
from dcdist.policy.requests.retry import Backoff, if_retryable
from dcdist.retry_loop import retry
from dcdist.store.wrapped import Wrapped

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable

    from dcdist.ports.store import Listing, Store

_Result = TypeVar("_Result")


class Retrying(Wrapped):
    """The same port around `store`. A failed read is up to its caller, who can also get the bytes elsewhere."""

    def __init__(
        self,
        store: Store,
        *,
        rng: random.Random,
        backoff: Backoff | None = None,
        retried: Callable[[StoreError, int, float], None] | None = None,
    ) -> None:
        """Wrap `store`; closing this closes it. `rng` spreads the waits.

        `retried` is told of every failure that is followed by another try: the error, the number of the try (from 1),
        and the seconds until the next.
        """
        super().__init__(store)
        self._rng = rng
        self._backoff = backoff or Backoff()
        self._retried = retried

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object; see the port."""
        return await self._again(lambda _: self._store.get(key, limit=limit))

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Create or replace an object; see the port.

        If an earlier try created it and only its answer was lost, a conditional create has succeeded.
        """

        async def attempt(number: int) -> None:
            try:
                await self._store.put(key, body, if_absent=if_absent, expires_in=expires_in)
            except ObjectExistsError:
                if number == 1 or not await self._holds(key, body):
                    raise

        await self._again(attempt)

    async def delete(self, key: str) -> None:
        """Delete an object; see the port."""
        await self._again(lambda _: self._store.delete(key))

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """All objects under a prefix; see the port."""
        return await self._again(lambda _: self._store.list(prefix, look=look))

    async def exists(self) -> bool:
        """Whether the container or directory is there; see the port."""
        return await self._again(lambda _: self._store.exists())

    async def _again(self, operation: Callable[[int], Awaitable[_Result]]) -> _Result:
        """Run `operation` with the number of the try, until it succeeds, fails for good, or the rule gives up."""
        return await retry(
            operation,
            if_retryable(self._backoff),
            errors=StoreError,
            rng=self._rng,
            failed=self._retried,
            gave_up=_conclude,
        )

    async def _holds(self, key: str, body: bytes | memoryview) -> bool:
        """Whether the object is there with just these bytes."""
        try:
            return await self._store.get(key, limit=len(body)) == body
        except (FormatError, ObjectMissingError):
            return False


def _conclude(error: StoreError, number: int, seconds: float) -> None:
    """Add what was tried, and what to do, to an error that ends it."""
    if error.retryable:
        error.add_context(note=f"tried {number} times in {seconds:.0f} s: run it again when the store answers")
