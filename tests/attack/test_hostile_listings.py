"""Listings of a hostile server: names without end, pages that drip, rubbish. Each ends, and takes little memory."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import StoreError, StoreUnavailableError
from dcdist.store import listing_bounds, open_store
from dcdist.store.http import http_body
from dcdist.store.listing_bounds import ListingBounds
from tests.support.raw_http import RawRequest, forever, serve_raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store

SHORT = 0.5
"""Seconds of the bounds here, which have 60 and more otherwise."""


@asynccontextmanager
async def swift_at(
    listing: Callable[[RawRequest], Awaitable[None]], told: list[Troubled] | None = None
) -> AsyncIterator[Store]:
    """A store in a server that signs everybody in, is a Swift, and answers all else by `listing`."""

    async def answer(request: RawRequest) -> None:
        if request.path == "/auth":
            await request.answer(200, X_Auth_Token="t", X_Storage_Url=f"{url}/v1/a")
        elif request.path == "/info":
            await send_json(request, {"swift": {"account_autocreate": True, "account_listing_limit": 10_000}})
        else:
            await listing(request)

    async with serve_raw(answer) as url:
        environment = {"ST_AUTH": f"{url}/auth", "ST_USER": "u", "ST_KEY": "k"}
        report = None if told is None else told.append
        async with asyncio.timeout(60.0), open_store("swift://c", environment=environment, report=report) as store:
            yield store


async def send_json(request: RawRequest, value: object) -> None:
    """An answer with a date, as a Swift's."""
    body = json.dumps(value).encode()
    head = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n"
    request.writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await request.writer.drain()


def rows(names: list[str]) -> list[dict[str, object]]:
    """Rows of a page."""
    return [{"name": name, "bytes": 0, "last_modified": "2026-11-22T11:39:33.250000"} for name in names]


class Endless:
    """Names that rise for ever, a page of them at each request."""

    def __init__(self, *, page: int, begin: str = "swarm/", pause: float = 0.0) -> None:
        self.pages = 0
        self._page = page
        self._begin = begin
        self._pause = pause

    async def __call__(self, request: RawRequest) -> None:
        await asyncio.sleep(self._pause)
        begin = self.pages * self._page
        self.pages += 1
        await send_json(request, rows([f"{self._begin}{number:09}" for number in range(begin, begin + self._page)]))


async def test_a_listing_without_end_ends_at_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_bounds, "WHOLE", ListingBounds(memory=4 << 20, seconds=600.0))
    endless = Endless(page=1000)
    async with swift_at(endless) as store:
        with pytest.raises(
            StoreError, match=r"the listing of swarm/ does not end: 12000 names need more memory"
        ) as caught:
            await store.list("swarm/")

    assert not caught.value.retryable
    assert endless.pages == 12


@pytest.mark.parametrize("begin", ["swarm/", "not ours/"])
async def test_a_listing_of_small_pages_ends_at_its_time(monkeypatch: pytest.MonkeyPatch, begin: str) -> None:
    monkeypatch.setattr(listing_bounds, "WHOLE", ListingBounds(memory=1 << 30, seconds=SHORT))
    async with swift_at(Endless(page=1, begin=begin, pause=0.02)) as store:
        with pytest.raises(StoreError, match=r"does not end: it has brought \d+ names in over 0\.5 s"):
            await store.list("swarm/")


@pytest.mark.parametrize("bounds", [ListingBounds(4 << 20, 600.0), ListingBounds(1 << 30, SHORT)])
async def test_a_look_without_end_takes_what_fits_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, bounds: ListingBounds
) -> None:
    monkeypatch.setattr(listing_bounds, "LOOK", bounds)
    told: list[Troubled] = []
    async with swift_at(Endless(page=1000, pause=0.02), told) as store:
        first = await store.list("swarm/", look=True)
        await store.list("swarm/", look=True)

    assert len(first.entries) >= 1000
    assert [each.message.split(": ")[1] for each in told] == ["not all of swarm/ is looked at"]


async def test_heartbeats_of_100000_hosts_fit_into_a_look() -> None:
    told: list[Troubled] = []
    beats = [f"swarm/web/realm/{number:09}-{'x' * 100}" for number in range(100_000)]

    async def all_of_them(request: RawRequest) -> None:
        marker = request.path.partition("&marker=")[2].replace("%2F", "/")
        begin = int(marker.split("/")[3][:9]) + 1 if marker else 0
        await send_json(request, rows(beats[begin : begin + 5_000]))

    async with swift_at(all_of_them, told) as store:
        listing = await store.list("swarm/", look=True)

    assert len(listing.entries) == 100_000
    assert told == []


HALF = b'[{"name": "half a character \\ud800", "bytes": 3, "last_modified": "2026-11-22T11:39:33.123450"}]'


@pytest.mark.parametrize(
    "body", [b"[" + b"{}," * (3 << 20), b"[" * (3 << 20), b"1" * (3 << 20), b"x" * (5 << 20), HALF]
)
async def test_a_page_of_rubbish_is_refused(body: bytes) -> None:
    async def rubbish(request: RawRequest) -> None:
        head = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nConnection: close\r\n\r\n"
        request.writer.write(head + body)
        await request.writer.drain()

    async with swift_at(rubbish) as store:
        with pytest.raises(StoreError, match=r"cannot be read|a page of over"):
            await store.list("")


async def test_a_page_that_drips_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_body, "GRACE", SHORT)
    head = b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    async with swift_at(partial(forever, head=head, again=b" ", pause=0.01)) as store:
        with pytest.raises(StoreUnavailableError, match="the body comes too slowly"):
            await store.list("")
