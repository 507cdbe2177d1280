"""A store around a store: passes the whole port on, so that a wrapper writes only what it does differently."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from dcdist.ports.store import Capabilities, Listing, Store


class Wrapped:
    """The same port around `store`; closing it closes the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do."""
        return self._store.capabilities

    @property
    def host(self) -> str:
        """The store's server."""
        return self._store.host

    def __str__(self) -> str:
        return str(self._store)

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object; see the port."""
        return await self._store.get(key, limit=limit)

    def read(self, key: str, *, start: int, length: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """A range, streamed; see the port."""
        return self._store.read(key, start=start, length=length)

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Create or replace an object; see the port."""
        await self._store.put(key, body, if_absent=if_absent, expires_in=expires_in)

    async def delete(self, key: str) -> None:
        """Delete an object; see the port."""
        await self._store.delete(key)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """All objects under a prefix; see the port."""
        return await self._store.list(prefix, look=look)

    async def exists(self) -> bool:
        """Whether the container or directory is there; see the port."""
        return await self._store.exists()

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()
