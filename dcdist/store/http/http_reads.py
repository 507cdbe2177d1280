"""Reading objects over HTTP: whole and small, or a range that is streamed as it arrives.

Invariant: a read gives exactly the bytes that were asked for, of one version of the object, or an error.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from dcdist.errors import FormatError, RangeError, ShortBodyError
from dcdist.store.http.http_errors import TRANSPORT_ERRORS, transport_error
from dcdist.store.http.http_status import content_length, error_of, if_match, require_range, version_mark
from dcdist.store.http.versions import Versions
from dcdist.store.object_keys import require_key
from dcdist.store.object_keys import require_range as require_sane_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

    from dcdist.errors import DcdistError


class Get(Protocol):
    """Sends a GET for one key, with the credentials it needs; the caller releases the answer."""

    async def __call__(self, key: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """The answer, of any status, its body unread."""
        ...


class HttpReads:
    """`get` and `read` of the store's port, for any store that answers GET."""

    def __init__(self, store: str, get: Get, *, stall: float) -> None:
        """Read through `get`. `store` stands in messages, as does `stall`, the bound on silence in seconds."""
        self._store = store
        self._get = get
        self._stall = stall
        self._versions = Versions(store=store)

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object; see the port."""
        response = await self._get(require_key(key), {})
        try:
            if response.status != 200:
                raise self._refused(response, key)
            announced = content_length(response.headers)
            if announced is not None and announced > limit:
                raise self._too_large(key, limit)
            parts: list[bytes] = []
            total = 0
            async for part in _Body(response, key, self._store, self._stall, length=announced):
                parts.append(part)
                total += len(part)
                if total > limit:
                    raise self._too_large(key, limit)
            return b"".join(parts)
        finally:
            response.release()

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """A range, streamed; see the port."""
        require_sane_range(start, length)
        response = await self._get(require_key(key), self._range_headers(key, start, length))
        try:
            self._check(response, key, start, length)
            yield _Body(response, key, self._store, self._stall, length=length)
        finally:
            response.release()

    def _range_headers(self, key: str, start: int, length: int) -> dict[str, str]:
        headers = {"Range": f"bytes={start}-{start + length - 1}"}
        mark = self._versions.of(key)
        wanted = None if mark is None else if_match(mark)
        if wanted is not None:
            headers["If-Match"] = wanted
        return headers

    def _check(self, response: aiohttp.ClientResponse, key: str, start: int, length: int) -> None:
        status, headers, what = response.status, response.headers, f"GET {key}"
        if not 200 <= status < 300:
            raise self._refused(response, key)
        # A server without If-Match still sends its ETag. Checked first: a changed object often has another size.
        mark = version_mark(headers)
        if mark is not None:
            self._versions.see(key, mark)
        require_range(status, headers, start=start, length=length, what=what, store=self._store, key=key)

    def _refused(self, response: aiohttp.ClientResponse, key: str) -> DcdistError:
        url = str(response.url)
        return error_of(response.status, response.headers, what=f"GET {key}", store=self._store, key=key, url=url)

    def _too_large(self, key: str, limit: int) -> FormatError:
        return FormatError(f"{self._store}: {key} is larger than {limit} bytes, so it is not what it should be")


class _Body:
    """A body as it arrives, no part empty. `length`: its bytes, if they are known."""

    __slots__ = ("_content", "_key", "_left", "_stall", "_store", "_url")

    def __init__(
        self, response: aiohttp.ClientResponse, key: str, store: str, stall: float, *, length: int | None
    ) -> None:
        self._content = response.content
        self._url = response.url
        self._key = key
        self._store = store
        self._stall = stall
        self._left = length

    def __aiter__(self) -> _Body:
        return self

    async def __anext__(self) -> bytes:
        if self._left == 0:
            raise StopAsyncIteration
        try:
            part = await self._content.readany()
        except TRANSPORT_ERRORS as error:
            what = f"GET {self._key}"
            raise transport_error(
                error, what=what, store=self._store, key=self._key, stall=self._stall, url=str(self._url)
            ) from error
        if self._left is None:
            if not part:
                raise StopAsyncIteration
            return part
        self._left -= len(part)
        if not part:
            raise ShortBodyError(
                f"{self._store}: GET {self._key}: the body ended {self._left} bytes early",
                store=self._store,
                key=self._key,
            )
        if self._left < 0:
            raise RangeError(
                f"{self._store}: GET {self._key}: the body is longer than announced", store=self._store, key=self._key
            )
        return part
