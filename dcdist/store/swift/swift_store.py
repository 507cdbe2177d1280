"""A store in an OpenStack Swift: one container, and a prefix in it. The container is made by the first put."""

from __future__ import annotations

import asyncio
import hashlib
import math
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dcdist.errors import IntegrityError, ObjectExistsError
from dcdist.ports.store import Capabilities
from dcdist.store.http.http_reads import HttpReads
from dcdist.store.object_keys import require_key
from dcdist.store.swift.swift_info import info_url
from dcdist.store.swift.swift_listing import PAGE
from dcdist.store.swift.swift_pages import Pages
from dcdist.store.swift.swift_sign_in import SignIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    import aiohttp

    from dcdist.ports.store import Listing
    from dcdist.store.http.http_session import HttpSession
    from dcdist.store.swift.swift_sign_in import Credentials

_SMALL = 256 << 10


class SwiftStore:
    """Objects `prefix`/KEY of `container`; `prefix` may be empty."""

    def __init__(
        self, container: str, prefix: str, *, credentials: Credentials, session: HttpSession, page: int = PAGE
    ) -> None:
        """Connect nowhere yet. The session is closed with the store; `page` is names of one listing's page."""
        self._container = container
        self._root = f"{prefix}/" if prefix else ""
        self._session = session
        self._sign_in = SignIn(credentials, session)
        self._host = urlsplit(credentials.auth.url).hostname or ""
        self._reads = HttpReads(session, self._get)
        self._pages = Pages(session, self._ask_page, self._ask_info, root=self._root, limit=page)
        self._knows_if_none_match = True

    @property
    def capabilities(self) -> Capabilities:
        """Everything."""
        return Capabilities(writable=True, listable=True, creates_once=False)

    @property
    def host(self) -> str:
        """The server of the sign-in."""
        return self._host

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
        """Create or replace an object; see the port."""
        digest = await _md5(body)
        headers = {"ETag": digest, "Content-Type": "application/octet-stream"}
        if expires_in is not None:
            headers["X-Delete-After"] = str(max(1, math.ceil(expires_in)))
        async with await self._put(require_key(key), headers, body, if_absent=if_absent) as response:
            if response.status == 412:
                raise ObjectExistsError(f"{self}: {key} exists already", store=str(self), key=key)
            self._require(response, {201, 202}, f"PUT {key}", key)
            stored = response.headers.get("ETag", digest).strip('"')
        if stored != digest:
            raise IntegrityError(f"{self}: {key} was stored with MD5 {stored[:80]}, not {digest}", source=str(self))

    async def delete(self, key: str) -> None:
        """Delete an object; see the port."""
        async with await self._send("DELETE", require_key(key), {}) as response:
            self._require(response, {200, 202, 204, 404}, f"DELETE {key}", key)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        """All objects under a prefix, page by page; see the port. `now` is of the last page."""
        return await self._pages.list(prefix, look=look)

    async def exists(self) -> bool:
        """Whether the container is there; see the port."""
        async with await self._send("HEAD", None, {}) as response:
            if response.status != 404:
                self._require(response, {200, 204}, f"HEAD container {self._container}", "")
            return response.status != 404

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()

    async def _put(
        self, key: str, headers: Mapping[str, str], body: bytes | memoryview, *, if_absent: bool
    ) -> aiohttp.ClientResponse:
        if if_absent and self._knows_if_none_match:
            response = await self._put_made(key, {**headers, "If-None-Match": "*"}, body)
            if response.status != 501:
                return response
            response.release()
            self._knows_if_none_match = False
            message = (
                f"{self}: the server does not know conditional puts (501): objects are looked up before they are put"
            )
            self._session.remarks.once("if-none-match", message, str(self))
        if if_absent:
            # What a Swift does too: it looks, then writes.
            await self._require_absent(key)
        return await self._put_made(key, headers, body)

    async def _put_made(self, key: str, headers: Mapping[str, str], body: bytes | memoryview) -> aiohttp.ClientResponse:
        """Put it, and make the container if it is missing."""
        response = await self._send("PUT", key, headers, body=body)
        if response.status == 404:
            response.release()
            await self._create_container()
            response = await self._send("PUT", key, headers, body=body)
        return response

    async def _require_absent(self, key: str) -> None:
        async with await self._send("HEAD", key, {}) as response:
            if response.status == 200:
                raise ObjectExistsError(f"{self}: {key} exists already", store=str(self), key=key)
            self._require(response, {404}, f"HEAD {key}", key)

    async def _ask_page(self, query: str) -> aiohttp.ClientResponse:
        return await self._send("GET", None, {}, query=query)

    async def _ask_info(self) -> aiohttp.ClientResponse:
        account = await self._sign_in.account()
        url = info_url(account.storage.url)
        return await self._session.send("GET", url, headers=account.storage.headers, what="GET /info")

    async def _create_container(self) -> None:
        async with await self._send("PUT", None, {"Content-Length": "0"}) as response:
            self._require(response, {201, 202, 204}, f"creating the container {self._container}", "")

    async def _get(self, key: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        return await self._send("GET", key, headers)

    async def _send(
        self,
        method: str,
        key: str | None,
        headers: Mapping[str, str],
        *,
        body: bytes | memoryview | None = None,
        query: str = "",
    ) -> aiohttp.ClientResponse:
        """Send a request for an object, or for the container if `key` is None; signs in anew once if it must."""
        account = await self._sign_in.account()
        for last in (False, True):
            path = (self._container,) if key is None else (self._container, self._root + key)
            response = await self._session.send(
                method,
                account.url(*path) + (f"?{query}" if query else ""),
                headers={**headers, **account.headers},
                body=body,
                key=key or "",
                what="" if key else f"{method} container {self._container}",
            )
            if response.status != 401 or last:
                break
            response.release()
            account = await self._sign_in.account(rejected=account)
        return response

    def _require(self, response: aiohttp.ClientResponse, expected: set[int], what: str, key: str) -> None:
        if response.status not in expected:
            raise self._session.refusal(response, what=what, key=key)


async def _md5(body: bytes | memoryview) -> str:
    def digest() -> str:
        return hashlib.md5(body, usedforsecurity=False).hexdigest()

    return digest() if len(body) <= _SMALL else await asyncio.to_thread(digest)
