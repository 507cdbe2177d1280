"""Reading objects over HTTP: whole and small, or a range that is streamed as it arrives.

Invariant: a read gives exactly the range that was asked for, or an error. Whether its bytes are right, hashes tell.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Protocol

from dcdist.errors import FormatError, RangeError
from dcdist.store.http.http_body import RANGE_PACE, Body
from dcdist.store.http.http_status import content_length, require_range, version_mark
from dcdist.store.http.versions import Versions
from dcdist.store.http.web_page import is_page, page_error, says_page
from dcdist.store.object_keys import require_key
from dcdist.store.object_keys import require_range as require_sane_range

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    import aiohttp

    from dcdist.errors import WebPageError
    from dcdist.store.http.http_session import HttpSession


class Get(Protocol):
    """Sends a GET for one key, with the credentials it needs; the caller releases the answer."""

    async def __call__(self, key: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        """The answer, of any status, its body unread."""
        ...


class HttpReads:
    """`get` and `read` of the store's port, for any store that answers GET."""

    def __init__(self, session: HttpSession, get: Get) -> None:
        """Read through `get`, which sends its requests by `session`."""
        self._store = session.store
        self._session = session
        self._get = get
        self._versions = Versions(session.remarks, store=session.store)

    async def get(self, key: str, *, limit: int) -> bytes:
        """The whole object; see the port."""
        response = await self._get(require_key(key), {})
        try:
            if response.status != 200:
                raise self._session.refusal(response, what=f"GET {key}", key=key)
            announced = content_length(response.headers)
            if announced is not None and announced > limit:
                raise self._page(response, key) if says_page(response.headers) else self._too_large(key, limit)
            parts: list[bytes] = []
            total = 0
            async for part in Body(response, self._session, what=f"GET {key}", key=key, length=announced):
                parts.append(part)
                total += len(part)
                if total > limit:
                    break
            data = b"".join(parts)
            if is_page(response.headers, data):
                raise self._page(response, key)
            if total > limit:
                raise self._too_large(key, limit)
            return data
        finally:
            response.release()

    @asynccontextmanager
    async def read(self, key: str, *, start: int, length: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """A range, streamed; see the port."""
        require_sane_range(start, length)
        response = await self._get(require_key(key), {"Range": f"bytes={start}-{start + length - 1}"})
        try:
            self._check(response, key, start, length)
            yield Body(response, self._session, what=f"GET {key}", key=key, length=length, pace=RANGE_PACE)
        finally:
            response.release()

    def _check(self, response: aiohttp.ClientResponse, key: str, start: int, length: int) -> None:
        status, headers, what = response.status, response.headers, f"GET {key}"
        if not 200 <= status < 300:
            raise self._session.refusal(response, what=what, key=key)
        mark = version_mark(headers)
        if mark is not None:
            self._versions.see(key, mark)
        try:
            require_range(status, headers, start=start, length=length, what=what, store=self._store, key=key)
        except RangeError as error:
            if says_page(headers):
                raise self._page(response, key) from error
            raise

    def _page(self, response: aiohttp.ClientResponse, key: str) -> WebPageError:
        return page_error(what=f"GET {key}", store=self._store, key=key, asked=self._session.asked(str(response.url)))

    def _too_large(self, key: str, limit: int) -> FormatError:
        return FormatError(f"{self._store}: {key} is larger than {limit} bytes, so it is not what it should be")
