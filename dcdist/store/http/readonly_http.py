"""A store behind plain HTTP: any web server that knows ranges. It is read only; nothing can be listed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from dcdist.errors import StoreDeniedError
from dcdist.ports.store import Capabilities
from dcdist.store.http.http_reads import HttpReads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    import aiohttp

    from dcdist.ports.store import Listing
    from dcdist.store.http.endpoint import Endpoint
    from dcdist.store.http.http_session import HttpSession


class ReadonlyHttpStore:
    """Objects at `base`/KEY. Redirects are followed."""

    def __init__(self, base: Endpoint, session: HttpSession) -> None:
        """Read below `base`, whose URL has no slash at its end; the session is closed with the store."""
        self._base = base
        self._session = session
        self._reads = HttpReads(session, self._send)

    @property
    def capabilities(self) -> Capabilities:
        """Reading only."""
        return Capabilities(writable=False, listable=False)

    @property
    def host(self) -> str:
        """The web server."""
        return urlsplit(self._base.url).hostname or ""

    def __str__(self) -> str:
        return self._session.store

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object; see the port."""
        return await self._reads.get(key, limit=limit)

    def read(self, key: str, *, start: int, length: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """A range, streamed; see the port."""
        return self._reads.read(key, start=start, length=length)

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        """Refused.

        Raises:
            StoreDeniedError: Always.
        """
        del body, if_absent, expires_in
        raise self._denied("written", key)

    async def delete(self, key: str) -> None:
        """Refused.

        Raises:
            StoreDeniedError: Always.
        """
        raise self._denied("written", key)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """Refused.

        Raises:
            StoreDeniedError: Always.
        """
        del look
        raise self._denied("listed", prefix)

    async def exists(self) -> bool:
        """Yes, as far as anybody knows: a web server tells of objects only."""
        return True

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()

    async def _send(self, key: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        url = f"{self._base.url}/{quote(key)}"
        return await self._session.send("GET", url, headers={**headers, **self._base.headers}, key=key, redirects=True)

    def _denied(self, done: str, key: str) -> StoreDeniedError:
        return StoreDeniedError(
            f"{self}: a web server cannot be {done}; name it as swift://... or file:///... for that",
            store=str(self),
            key=key,
        )
