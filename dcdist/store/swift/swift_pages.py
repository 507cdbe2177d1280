"""A listing page by page, until a page is empty.

Invariant: a listing is whole, whatever number of names the server puts on a page, or an error if it has no end; only a
look may end early: at a page that is far from full, of a server that says it is OpenStack's Swift, or at its bounds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dcdist.errors import StoreError
from dcdist.ports.store import Listing
from dcdist.store.http.http_body import Body
from dcdist.store.http.http_status import http_time
from dcdist.store.listing_bounds import ListingMeter, bounds_for, cut_short, endless
from dcdist.store.swift.swift_info import INFO_BYTES_LIMIT, ClusterInfo, parse_info
from dcdist.store.swift.swift_listing import PAGE, PAGE_BYTES_LIMIT, Page, parse_page

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp

    from dcdist.ports.store import Entry
    from dcdist.store.http.http_session import HttpSession

_INFO_TRIES = 3
"""How often a server that is busy is asked what it is; one that is not known costs looks a second request."""


class Pages:
    """The listings of one container, below one root."""

    def __init__(
        self,
        session: HttpSession,
        ask_page: Callable[[str], Awaitable[aiohttp.ClientResponse]],
        ask_info: Callable[[], Awaitable[aiohttp.ClientResponse]],
        *,
        root: str,
        limit: int = PAGE,
    ) -> None:
        """Ask nothing yet. `limit` is names of a page; the cluster may lower it.

        `ask_page` sends a GET of the container with a query, `ask_info` one of what the cluster says of itself; their
        answers may be of any status. Both send by `session`.
        """
        self._store = session.store
        self._session = session
        self._ask_page = ask_page
        self._ask_info = ask_info
        self._root = root
        self._limit = limit
        self._info: ClusterInfo | None = None
        self._info_tries = _INFO_TRIES

    async def list(self, prefix: str, *, look: bool) -> Listing:
        """All objects under a prefix; see the port. `now` is of the last page."""
        entries: dict[str, Entry] = {}
        marker: str | None = ""
        now = 0.0
        clock = asyncio.get_running_loop().time
        meter = ListingMeter(bounds_for(look=look), now=clock())
        while marker is not None:
            page, now = await self._page(self._root + prefix, marker)
            entries.update((entry.key, entry) for entry in page.entries)
            marker = page.last
            meter.count(page.names, page.characters)
            if marker is not None and (excess := meter.excess(now=clock())):
                self._is_too_much(excess, prefix, look=look)
                break
            if marker is not None and look and page.names * 2 <= self._limit and (await self._cluster()).is_swift:
                break
        return Listing(tuple(entries[key] for key in sorted(entries)), now)

    def _is_too_much(self, excess: str, prefix: str, *, look: bool) -> None:
        """Remark upon a look that ends early; any other listing must not."""
        if not look:
            raise endless(excess, store=self._store, prefix=self._root + prefix)
        self._session.remarks.once("listing", cut_short(excess, store=self._store, prefix=prefix), self._store)

    async def _page(self, prefix: str, marker: str) -> tuple[Page, float]:
        """One page, and the store's clock. No container: nothing."""
        what = f"listing {prefix}"
        while True:
            limit = self._limit
            query = urlencode({"format": "json", "limit": str(limit), "prefix": prefix, "marker": marker})
            async with await self._ask_page(query) as response:
                if response.status != 412 or limit == 1:
                    return await self._read_page(response, what, prefix, marker)
            await self._lower(limit)

    async def _read_page(
        self, response: aiohttp.ClientResponse, what: str, prefix: str, marker: str
    ) -> tuple[Page, float]:
        if response.status == 412:
            raise StoreError(
                f"{self._store}: {what} answered 412 whatever number of names it was asked for; is it a Swift?",
                store=self._store,
                key=prefix,
            )
        if response.status not in {200, 204, 404}:
            raise self._session.refusal(response, what=what, key=prefix)
        now = http_time(response.headers.get("Date"))
        if now is None:
            raise StoreError(f"{self._store}: a listing came without a date", store=self._store, key=prefix)
        if response.status != 200:
            return Page(), now
        data = await self._body(response, what, prefix, PAGE_BYTES_LIMIT)
        return parse_page(data, root=self._root, store=self._store, marker=marker), now

    async def _lower(self, refused: int) -> None:
        """Ask for fewer names from now on than were `refused`: as many as the cluster says, else half."""
        told = (await self._cluster()).listing_limit
        self._limit = min(self._limit, told if told is not None and told < refused else max(refused // 2, 1))

    async def _cluster(self) -> ClusterInfo:
        """What the server says of itself, asked for when it first matters; nothing if it does not say."""
        if self._info is None and self._info_tries > 0:
            self._info_tries -= 1
            self._info = await self._read_info()
        return self._info or ClusterInfo()

    async def _read_info(self) -> ClusterInfo | None:
        """None: it may say it another time. What cannot be asked is not worth another wait."""
        try:
            async with await self._ask_info() as response:
                if response.status == 200:
                    return parse_info(await self._body(response, "GET /info", "", INFO_BYTES_LIMIT))
                error = self._session.refusal(response, what="GET /info", key="")
                return None if error.retryable else ClusterInfo()
        except StoreError:
            return ClusterInfo()

    async def _body(self, response: aiohttp.ClientResponse, what: str, key: str, limit: int) -> bytes:
        body = bytearray()
        async for part in Body(response, self._session, what=what, key=key):
            body += part
            if len(body) > limit:
                raise StoreError(
                    f"{self._store}: {what}: a page of over {limit} bytes; is it a Swift?",
                    store=self._store,
                    key=key,
                )
        return bytes(body)
