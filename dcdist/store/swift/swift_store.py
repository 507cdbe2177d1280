"""A store in an OpenStack Swift: one container, and a prefix in it. The container is made by the first put."""

from __future__ import annotations

import asyncio
import hashlib
import math
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from dcdist.errors import IntegrityError, ObjectExistsError, StoreError
from dcdist.ports.store import Capabilities, Listing
from dcdist.store.http.http_errors import TRANSPORT_ERRORS, transport_error
from dcdist.store.http.http_reads import HttpReads
from dcdist.store.http.http_status import error_of, http_time
from dcdist.store.object_keys import require_key
from dcdist.store.swift.swift_listing import PAGE, PAGE_BYTES_LIMIT, parse_page
from dcdist.store.swift.swift_sign_in import SignIn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    import aiohttp

    from dcdist.ports.store import Entry
    from dcdist.store.http.http_session import HttpSession
    from dcdist.store.swift.swift_sign_in import Credentials

_SMALL = 256 << 10


class SwiftStore:
    """Objects `prefix`/KEY of `container`; `prefix` may be empty."""

    def __init__(
        self, container: str, prefix: str, *, credentials: Credentials, session: HttpSession, page: int = PAGE
    ) -> None:
        """Connect nowhere yet. The session is closed with the store; `page` is entries of one listing's page."""
        self._page_length = page
        self._container = container
        self._root = f"{prefix}/" if prefix else ""
        self._session = session
        self._sign_in = SignIn(credentials, session)
        self._host = urlsplit(credentials.auth).hostname or ""
        self._reads = HttpReads(str(self), self._get, stall=session.stall)

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
        if if_absent:
            headers["If-None-Match"] = "*"
        if expires_in is not None:
            headers["X-Delete-After"] = str(max(1, math.ceil(expires_in)))
        response = await self._send("PUT", require_key(key), headers, body=body)
        if response.status == 404:
            await self._create_container()
            response = await self._send("PUT", key, headers, body=body)
        async with response:
            if response.status == 412:
                raise ObjectExistsError(f"{self}: {key} exists already", store=str(self), key=key)
            self._require(response, {201, 202}, f"PUT {key}", key)
            stored = response.headers.get("ETag", digest).strip('"')
        if stored != digest:
            raise IntegrityError(f"{self}: {key} was stored with MD5 {stored}, not {digest}", source=str(self))

    async def delete(self, key: str) -> None:
        """Delete an object; see the port."""
        async with await self._send("DELETE", require_key(key), {}) as response:
            self._require(response, {200, 202, 204, 404}, f"DELETE {key}", key)

    async def list(self, prefix: str) -> Listing:
        """All objects under a prefix, page by page; see the port. `now` is of the last page."""
        entries: list[Entry] = []
        marker: str | None = ""
        now = 0.0
        while marker is not None:
            page, marker, now = await self._page(self._root + prefix, marker)
            entries.extend(page)
        return Listing(tuple(sorted(entries, key=lambda entry: entry.key)), now)

    async def exists(self) -> bool:
        """Whether the container is there; see the port."""
        async with await self._send("HEAD", None, {}) as response:
            if response.status != 404:
                self._require(response, {200, 204}, f"HEAD container {self._container}", "")
            return response.status != 404

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()

    async def _page(self, prefix: str, marker: str) -> tuple[tuple[Entry, ...], str | None, float]:
        """One page of a listing, where the next begins, and the store's clock. No container: nothing."""
        query = urlencode({"format": "json", "limit": str(self._page_length), "prefix": prefix, "marker": marker})
        async with await self._send("GET", None, {}, query=query) as response:
            if response.status != 404:
                self._require(response, {200, 204}, f"listing {prefix}", prefix)
            now = http_time(response.headers.get("Date"))
            if now is None:
                raise StoreError(f"{self}: a listing came without a date", store=str(self), key=prefix)
            if response.status != 200:
                return (), None, now
            data = await self._page_body(response, prefix)
        page, marker_after = parse_page(data, root=self._root, store=str(self), page=self._page_length, marker=marker)
        return page, marker_after, now

    async def _page_body(self, response: aiohttp.ClientResponse, prefix: str) -> bytes:
        what = f"listing {prefix}"
        body = bytearray()
        try:
            async for part in response.content.iter_any():
                body += part
                if len(body) > PAGE_BYTES_LIMIT:
                    raise StoreError(
                        f"{self}: {what}: a page of over {PAGE_BYTES_LIMIT} bytes; is it a Swift?",
                        store=str(self),
                        key=prefix,
                    )
        except TRANSPORT_ERRORS as error:
            raise transport_error(error, what=what, store=str(self), key=prefix, stall=self._session.stall) from error
        return bytes(body)

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
                headers={**headers, "X-Auth-Token": account.token},
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
            raise error_of(response.status, response.headers, what=what, store=str(self), key=key)


async def _md5(body: bytes | memoryview) -> str:
    def digest() -> str:
        return hashlib.md5(body, usedforsecurity=False).hexdigest()

    return digest() if len(body) <= _SMALL else await asyncio.to_thread(digest)
