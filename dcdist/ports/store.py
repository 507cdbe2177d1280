"""The object store: small objects whole, large ones by range, conditional creation, listings with the store's clock.

Adapters raise the errors of `dcdist.errors` only. They decide what is retryable and never retry by themselves, except
for one new sign-in: waiting and trying again are the caller's decisions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of a listing; `modified` is seconds since 1970 by the store's clock."""

    key: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects under a prefix, in rising order of their keys; `now` is the store's clock when it answered."""

    entries: tuple[Entry, ...]
    now: float


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a store can do. `writable`: put and delete; `listable`: list.

    `creates_once`: of several conditional creates of one key at the same moment one succeeds. Where that does not hold,
    all may seem to, and the last one stays.
    """

    writable: bool
    listable: bool
    creates_once: bool = True


class Store(Protocol):
    """One prefix of one object store.

    Keys are relative: letters, digits, `.`, `_`, `-`, `,` and `/`; no part between slashes is empty or begins with `.`.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What this store can do."""
        ...

    @property
    def host(self) -> str:
        """The name or address of its server; empty if it has none."""
        ...

    def __str__(self) -> str:
        """The store's URL, without credentials: it stands in messages."""
        ...

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object, if it has at most `limit` bytes.

        Raises:
            ObjectMissingError: There is none.
            FormatError: It is larger than `limit`.
            StoreError: The store could not give it.
        """
        ...

    def read(self, key: str, *, start: int, length: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream exactly `length` bytes from `start`, as they arrive, in parts of any size.

        All bytes of one read are of one version of the object; the next read may find another, or a mirror that marks
        its copy differently. So whoever reads a range checks its bytes by hashes. Leaving the context early ends the
        transfer.

        Raises:
            ObjectMissingError: There is none.
            RangeError: The store gave another range than the one asked for, or the object is too short.
            ShortBodyError: The body ended early.
            StoreUnavailableError: No connection, a reset, a stall, or a server error.
            StoreThrottledError: The store asks for fewer requests.
        """
        ...

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Create or replace an object, whole or not at all; checked by the store against the body's MD5.

        With `if_absent` it is only created. Swift looks before it writes: creates that overlap in time may all succeed
        there, and the last one's body stays; who must know reads it back. With `expires_in` (seconds) the store may
        delete it after that time; stores that cannot, keep it.

        Raises:
            ObjectExistsError: `if_absent`, and it exists.
            IntegrityError: The store received other bytes.
            StoreFullError: There is no room.
            StoreDeniedError: The store may not be written.
        """
        ...

    async def delete(self, key: str) -> None:
        """Delete an object; it is not an error if there is none."""
        ...

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """All objects whose keys begin with `prefix` (any string, not only whole folders).

        A `look` is repeated every few seconds, so that a name that it misses comes with the next: it may take the
        server's word for where the listing ends, and so save a request. Any other listing is whole for certain.

        Raises:
            StoreDeniedError: The store cannot be listed.
        """
        ...

    async def exists(self) -> bool:
        """Whether the container or directory itself is there, empty or not; a store that cannot know says yes.

        Raises:
            StoreError: The store could not be asked.
        """
        ...

    async def close(self) -> None:
        """End all connections."""
        ...
