"""Requests over HTTP: connections, TLS, proxies, bodies that upload in parts, and a bound on silence.

A store's session belongs to the store. It tries nothing again, and leaves every status to its caller.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from dcdist.errors import UsageError
from dcdist.store.http.http_errors import TRANSPORT_ERRORS, transport_error
from dcdist.store.http.proxies import Proxies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

UPLOAD_STALL = 60.0
"""Seconds without progress after which an upload has failed: between two parts, and until the store, which has to write
all of it, answers."""

_READ_BUFFER = 512 << 10
_UPLOAD_PART = 256 << 10
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class HttpSession:
    """Sends requests for one store; connections stay open for the next."""

    def __init__(
        self,
        store: str,
        *,
        environment: Mapping[str, str],
        ca_file: Path | None = None,
        stall: float,
        upload_stall: float = UPLOAD_STALL,
    ) -> None:
        """Read the proxy and CA variables of `environment`; connect nowhere yet.

        `store` stands in messages. `stall`: seconds without a byte after which a transfer has failed. `ca_file` (PEM)
        goes before the CA variables, whose first one set counts.

        Raises:
            UsageError: A proxy variable cannot be used.
        """
        self.store = store
        self.stall = stall
        self._upload_stall = upload_stall
        self._proxies = Proxies(environment)
        self._ca_file = str(ca_file) if ca_file else _first_set(environment, CA_VARIABLES)
        self._tls: ssl.SSLContext | None = None
        self._client: aiohttp.ClientSession | None = None

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | memoryview | None = None,
        key: str = "",
        what: str = "",
        redirects: bool = False,
    ) -> aiohttp.ClientResponse:
        """Send a request and return the answer, of any status, with its body unread; release it.

        `url` is quoted already. `what` stands in messages; it is the method and the key if not given.

        Raises:
            StoreUnavailableError: No connection, no answer in time, or a broken connection.
            StoreError: The certificate or the proxy is in the way.
        """
        what = what or (f"{method} {key}" if key else method)
        try:
            if body is None:
                return await self._request(method, url, headers=headers, redirects=redirects)
            return await self._upload(method, url, headers=headers, body=body)
        except TRANSPORT_ERRORS as error:
            stall = self.stall if body is None else self._upload_stall
            raise transport_error(error, what=what, store=self.store, key=key, stall=stall, url=url) from error

    async def close(self) -> None:
        """End all connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _request(
        self, method: str, url: str, *, headers: Mapping[str, str], redirects: bool
    ) -> aiohttp.ClientResponse:
        return await self._connected().request(
            method,
            URL(url, encoded=True),
            headers=headers,
            allow_redirects=redirects,
            proxy=self._proxies.proxy_for(url),
            ssl=await self._context(url),
        )

    async def _upload(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | memoryview
    ) -> aiohttp.ClientResponse:
        view = memoryview(body).cast("B")
        large = len(view) > _UPLOAD_PART
        # aiohttp has a bound on silence for reading only: while a part waits to be sent, this one counts.
        async with asyncio.timeout(self._upload_stall) as bound:
            response = await self._connected().request(
                method,
                URL(url, encoded=True),
                headers={**headers, "Content-Length": str(len(view))},
                data=_Parts(view, bound, self._upload_stall) if large else bytes(view),
                # A refusal (expired sign-in, exists already) then comes before the body goes.
                expect100=large,
                allow_redirects=False,
                proxy=self._proxies.proxy_for(url),
                ssl=await self._context(url),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.stall, sock_read=self._upload_stall),
            )
        if response.status >= 300:
            # The body may have been sent in part: the connection cannot be used again.
            response.close()
        return response

    def _connected(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                # How many requests run at once is the caller's decision.
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.stall, sock_read=self.stall),
                headers={"Accept-Encoding": "identity", "User-Agent": "dcdist"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_READ_BUFFER,
            )
        return self._client

    async def _context(self, url: str) -> ssl.SSLContext | bool:
        if not url.startswith("https:"):
            return True
        if self._tls is None:
            self._tls = await asyncio.to_thread(_tls_context, self._ca_file)
        return self._tls


class _Parts:
    """A body in parts, from the beginning each time it is iterated; each part moves the bound on silence."""

    def __init__(self, view: memoryview, bound: asyncio.Timeout, seconds: float) -> None:
        self._view = view
        self._bound = bound
        self._seconds = seconds

    def __aiter__(self) -> AsyncIterator[memoryview]:
        return _PartsIterator(self._view, self._move_bound)

    def _move_bound(self) -> None:
        self._bound.reschedule(asyncio.get_running_loop().time() + self._seconds)


class _PartsIterator:
    """No async generator: one that is left unfinished would outlive the request."""

    def __init__(self, view: memoryview, progress: Callable[[], None]) -> None:
        self._view = view
        self._progress = progress

    def __aiter__(self) -> _PartsIterator:
        return self

    async def __anext__(self) -> memoryview:
        self._progress()
        if not self._view:
            raise StopAsyncIteration
        part, self._view = self._view[:_UPLOAD_PART], self._view[_UPLOAD_PART:]
        return part


def _first_set(environment: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((environment[name] for name in names if environment.get(name)), None)


def _tls_context(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"the CA file {ca_file} cannot be used: {error}; name a PEM file with certificates") from error
