"""Requests over HTTP: connections, TLS, proxies, bodies that upload in parts, and a bound on silence.

A store's session belongs to the store. It tries nothing again, and leaves every status to its caller.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from dcdist.errors import StoreError, StoreUnavailableError
from dcdist.model.trouble import Trouble
from dcdist.store.http.expect import ExpectedResponse, ExpectingRequest
from dcdist.store.http.http_errors import TRANSPORT_ERRORS, asked, transport_error
from dcdist.store.http.http_status import error_of
from dcdist.store.http.in_clear import exposure
from dcdist.store.http.proxies import Proxies
from dcdist.store.http.redirects import (
    REDIRECTS_LIMIT,
    RedirectRefusedError,
    is_same_server,
    redirect_location,
    redirect_target,
)
from dcdist.store.http.tls import Certificates
from dcdist.store.http.upload_body import UPLOAD_PART, UploadBody
from dcdist.store.remarks import Remarks
from dcdist.store.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dcdist.errors import DcdistError

UPLOAD_STALL = 60.0
"""Seconds without progress after which an upload has failed: between two parts, and until the store, which has to write
all of it, answers."""

ANSWER = 60.0
"""Seconds in which the head of an answer must have come, whatever the server sends meanwhile; redirects included. An
upload has `UPLOAD_STALL` for that."""

_READ_BUFFER = 512 << 10


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
        remarks: Remarks | None = None,
    ) -> None:
        """Read the proxy and CA variables of `environment`; connect nowhere yet.

        `store` stands in messages. `stall`: seconds without a byte after which a transfer has failed. `ca_file` (PEM)
        goes before the CA variables, whose first one set counts. `remarks` is told what the server lacks.

        Raises:
            UsageError: A proxy variable cannot be used.
        """
        self.store = store
        self.stall = stall
        self.remarks = remarks or Remarks()
        self._upload_stall = upload_stall
        self._proxies = Proxies(environment)
        self._certificates = Certificates(environment, ca_file)
        self._client: aiohttp.ClientSession | None = None
        self._expects = True

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

        `url` is quoted already and has no credentials. `what` stands in messages; it is the method and the key if not
        given.

        Raises:
            StoreUnavailableError: No connection, no answer in time, or a broken connection.
            StoreError: The certificate or the proxy is in the way, or a redirect leads where none may.
        """
        what = what or (f"{method} {key}" if key else method)
        try:
            if body is not None:
                return await self._upload(method, url, headers=headers, body=body)
            async with asyncio.timeout(ANSWER) as bound:
                if redirects:
                    return await self._follow(method, url, headers, what=what, key=key)
                return await self._request(method, url, headers=headers)
        except TRANSPORT_ERRORS as error:
            if body is None and isinstance(error, TimeoutError) and bound.expired():
                raise StoreUnavailableError(
                    f"{self.store}: {what}: no whole answer within {ANSWER:g} s ({self.asked(url)})",
                    store=self.store,
                    key=key,
                ) from error
            stall = self.stall if body is None else self._upload_stall
            raise self.failure(error, what=what, key=key, url=url, stall=stall) from error

    def failure(self, error: Exception, *, what: str, key: str, url: str, stall: float | None = None) -> StoreError:
        """The error for one of TRANSPORT_ERRORS in a request to `url`, or in reading its answer."""
        return transport_error(
            error,
            what=what,
            store=self.store,
            key=key,
            stall=self.stall if stall is None else stall,
            url=url,
            via=self._via(url),
        )

    def refusal(self, response: aiohttp.ClientResponse, *, what: str, key: str) -> DcdistError:
        """The error for an answer whose status is not one of success."""
        url = str(response.url)
        return error_of(response.status, response.headers, what=what, store=self.store, key=key, asked=self.asked(url))

    def asked(self, url: str) -> str:
        """A URL, and the proxy on the way there, as messages show them."""
        return asked(url, self._via(url))

    async def close(self) -> None:
        """End all connections."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _via(self, url: str) -> str:
        proxy = self._proxies.proxy_for(url)
        return str(proxy) if proxy else ""

    async def _follow(
        self, method: str, url: str, headers: Mapping[str, str], *, what: str, key: str
    ) -> aiohttp.ClientResponse:
        """Send it, and again to where it is redirected; aiohttp would keep the proxy and the trust of the first URL."""
        first = url
        for _ in range(REDIRECTS_LIMIT + 1):
            response = await self._request(method, url, headers=headers)
            to = redirect_location(response.status, response.headers)
            if to is None:
                return response
            response.release()
            try:
                target = redirect_target(url, to)
            except RedirectRefusedError as error:
                raise StoreError(
                    f"{self.store}: {what} was {error}; is the store's URL right? ({self.asked(url)})",
                    store=self.store,
                    key=key,
                ) from None
            if not is_same_server(url, target.url):
                # Credentials for one server are none of another's business.
                headers = {name: value for name, value in headers.items() if name != "Authorization"}
            url, headers = target.url, {**headers, **target.headers}
        raise StoreError(
            f"{self.store}: {what} was redirected in circles, {REDIRECTS_LIMIT + 1} times; the last redirect leads to "
            f"{shown_url(url)} ({self.asked(first)})",
            store=self.store,
            key=key,
        )

    async def _request(self, method: str, url: str, *, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        way = self._way(url, headers)
        return await self._connected().request(
            method,
            URL(url, encoded=True),
            headers={**headers, **way.headers},
            allow_redirects=False,
            proxy=way.proxy,
            proxy_headers=way.proxy_headers,
            ssl=await self._certificates.context(url),
        )

    async def _upload(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | memoryview
    ) -> aiohttp.ClientResponse:
        view = memoryview(body).cast("B")
        expects = self._expects and len(view) > UPLOAD_PART
        response = await self._send_body(method, url, headers=headers, view=view, expects=expects)
        if expects and response.status == 417:
            self._stop_expecting(url, "refuses the header Expect (417)")
            response.close()
            response = await self._send_body(method, url, headers=headers, view=view, expects=False)
        elif expects and response.status < 300 and response.was_unasked:
            # A refusal without a 100 is as it should be; a body that was taken without is not.
            self._stop_expecting(url, "takes no notice of the header Expect")
        if response.status >= 300:
            # The body may have been sent in part: the connection cannot be used again.
            response.close()
        return response

    async def _send_body(
        self, method: str, url: str, *, headers: Mapping[str, str], view: memoryview, expects: bool
    ) -> ExpectedResponse:
        way = self._way(url, headers)
        # aiohttp has a bound on silence for reading only: while a part waits to be sent, this one counts.
        async with asyncio.timeout(self._upload_stall) as bound:
            response = await self._connected().request(
                method,
                URL(url, encoded=True),
                headers={**headers, **way.headers, "Content-Length": str(len(view))},
                data=UploadBody(view, bound, self._upload_stall) if len(view) > UPLOAD_PART else bytes(view),
                # A refusal (expired sign-in, exists already) then comes before the body goes.
                expect100=expects,
                allow_redirects=False,
                proxy=way.proxy,
                proxy_headers=way.proxy_headers,
                ssl=await self._certificates.context(url),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.stall, sock_read=self._upload_stall),
            )
        assert isinstance(response, ExpectedResponse)  # the session's response class
        return response

    def _stop_expecting(self, url: str, reason: str) -> None:
        self._expects = False
        via = self._via(url)
        message = f"{self.store}: {via or 'the server'} {reason}: large bodies are sent without it"
        self.remarks.once("expect", message, self.store)

    def _way(self, url: str, said: Mapping[str, str]) -> _Way:
        """The way there, for a request with the headers `said`; what others can read of those is remarked upon."""
        if exposed := exposure(url, said):
            self.remarks.once("in clear", f"{self.store}: {exposed}", self.store, kind=Trouble.EXPOSED)
        proxy = self._proxies.proxy_for(url)
        if proxy is None:
            return _Way()
        headers = {"Proxy-Authorization": value} if (value := proxy.endpoint.authorization) else {}
        # In the clear the proxy reads the request itself; over TLS it reads the CONNECT before it.
        return _Way(proxy.endpoint.url, {}, headers) if url.startswith("https:") else _Way(proxy.endpoint.url, headers)

    def _connected(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                # How many requests run at once is the caller's decision.
                connector=aiohttp.TCPConnector(limit=0),
                request_class=ExpectingRequest,
                response_class=ExpectedResponse,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.stall, sock_read=self.stall),
                headers={"Accept-Encoding": "identity", "User-Agent": "dcdist"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_READ_BUFFER,
            )
        return self._client


@dataclass(frozen=True, slots=True)
class _Way:
    """How a request gets to its server: the proxy, what the request says to it, and what the CONNECT to it says."""

    proxy: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    proxy_headers: Mapping[str, str] | None = None
