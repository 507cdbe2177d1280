"""A server that answers as no Swift does, or as some do: listings are whole or end with a reason, and calls are few."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from dcdist.errors import ObjectExistsError, StoreError
from dcdist.store import open_store
from tests.support.http_server import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from dcdist.ports.store import Store

ROW = {"name": "a", "bytes": 1, "last_modified": "2026-11-22T11:39:33.250000"}
NAMES = [f"r/{number}" for number in range(5)]
SWIFT = {"version": "2.36.0", "account_autocreate": True, "account_listing_limit": 10000}
CEPH = {"version": "19.2.0", "max_object_name_size": 1024}


@asynccontextmanager
async def opened(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> AsyncIterator[Store]:
    """Sign in at a server, and a store in a container that it answers for."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/auth":
            return web.Response(headers={"X-Auth-Token": "t", "X-Storage-Url": f"http://{request.host}/v1/a"})
        return await answer(request)

    async with serve(handle) as url:
        environment = {"ST_AUTH": f"{url}/auth", "ST_USER": "u", "ST_KEY": "k"}
        async with open_store("swift://container", environment=environment) as store:
            yield store


async def list_with(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
    """List a container that the server answers for."""
    async with opened(answer) as store:
        await store.list("")


class ShortPages:
    """A server with NAMES that gives at most `most` of them a page, and refuses to be asked for more than `limit`.

    `info`: what it says of itself, None if nothing. `asked`: each request, a listing as its limit and marker.
    """

    def __init__(self, *, most: int, limit: int = 10_000, info: Mapping[str, object] | None = None) -> None:
        self.most = most
        self.limit = limit
        self.told = info
        self.asked: list[str | tuple[int, str]] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/info":
            self.asked.append("/info")
            return web.Response(status=404) if self.told is None else web.json_response({"swift": self.told})
        asked, marker = int(request.query["limit"]), request.query["marker"]
        self.asked.append((asked, marker))
        if asked > self.limit:
            return web.Response(status=412, text=f"Maximum limit is {self.limit}")
        names = [name for name in NAMES if name > marker and name.startswith(request.query["prefix"])]
        return web.json_response([{**ROW, "name": name} for name in names[: min(asked, self.most)]])


async def names_in(store: Store, *, look: bool = False) -> list[str]:
    """All that a listing of `r/` brings."""
    return [entry.key for entry in (await store.list("r/", look=look)).entries]


@pytest.mark.parametrize("info", [None, SWIFT, CEPH])
async def test_a_listing_goes_on_behind_pages_that_are_not_full(info: Mapping[str, object] | None) -> None:
    server = ShortPages(most=2, info=info)
    async with opened(server) as store:
        assert await names_in(store) == NAMES

    assert server.asked == [(1000, ""), (1000, "r/1"), (1000, "r/3"), (1000, "r/4")]


async def test_a_look_goes_on_behind_a_page_that_is_not_full_unless_the_server_is_a_swift() -> None:
    server = ShortPages(most=2, info=CEPH)
    async with opened(server) as store:
        assert await names_in(store, look=True) == NAMES
        assert await names_in(store, look=True) == NAMES

    pages = [(1000, ""), (1000, "r/1"), (1000, "r/3"), (1000, "r/4")]
    assert server.asked == [pages[0], "/info", *pages[1:], *pages]


async def test_looks_at_a_swift_take_one_request_each() -> None:
    server = ShortPages(most=1000, info=SWIFT)
    async with opened(server) as store:
        for _ in range(3):
            assert await names_in(store, look=True) == NAMES

    assert server.asked == [(1000, ""), "/info", (1000, ""), (1000, "")]


@pytest.mark.parametrize(("status", "times"), [(503, 3), (403, 1)])
async def test_a_server_that_does_not_say_what_it_is_is_not_asked_for_ever(status: int, times: int) -> None:
    server = ShortPages(most=1000)
    asked: list[str] = []

    async def refusing(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        return web.Response(status=status) if request.path == "/info" else await server(request)

    async with opened(refusing) as store:
        for _ in range(5):
            assert await names_in(store, look=True) == NAMES

    assert asked.count("/info") == times
    assert len(asked) == 5 * 2 + times


async def test_a_look_at_a_page_that_is_nearly_full_goes_on() -> None:
    server = ShortPages(most=3, limit=5, info={**SWIFT, "container_listing_limit": 5})
    async with opened(server) as store:
        assert await names_in(store, look=True) == NAMES

    assert server.asked == [(1000, ""), "/info", (5, ""), (5, "r/2")]


async def test_the_limit_that_a_cluster_states_is_kept_from_then_on() -> None:
    server = ShortPages(most=1000, limit=3, info={**CEPH, "container_listing_limit": 3})
    async with opened(server) as store:
        assert await names_in(store) == NAMES
        assert await names_in(store) == NAMES

    pages = [(3, ""), (3, "r/2"), (3, "r/4")]
    assert server.asked == [(1000, ""), "/info", *pages, *pages]


@pytest.mark.parametrize("info", [None, {**SWIFT, "container_listing_limit": 10_000}])
async def test_a_limit_that_a_cluster_only_enforces_is_found(info: Mapping[str, object] | None) -> None:
    server = ShortPages(most=1000, limit=300, info=info)
    async with opened(server) as store:
        assert await names_in(store) == NAMES

    assert server.asked == [(1000, ""), "/info", (500, ""), (250, ""), (250, "r/4")]


async def test_a_server_that_takes_no_limit_ends_a_listing() -> None:
    server = ShortPages(most=1000, limit=0)
    async with opened(server) as store:
        with pytest.raises(StoreError, match="answered 412"):
            await names_in(store)

    assert server.asked[-1] == (1, "")


@pytest.mark.parametrize("rows", [1, 1000])
async def test_a_server_that_gives_the_same_page_for_ever_ends_a_listing(rows: int) -> None:
    async def same_page(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=json.dumps([ROW] * rows))

    with pytest.raises(StoreError, match="does not go on: asked for what follows 'a'"):
        await list_with(same_page)


async def test_a_page_without_end_is_left() -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 20))

    with pytest.raises(StoreError, match="a page of over 4194304 bytes"):
        await list_with(endless)


@pytest.mark.parametrize("body", [b"small", bytes(1 << 20)])
async def test_a_server_without_conditional_puts_is_asked_for_one_once(body: bytes) -> None:
    stored: dict[str, bytes] = {}
    asked: list[tuple[str, str, bool]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        key = request.path.rpartition("/")[2]
        conditional = "If-None-Match" in request.headers
        asked.append((request.method, key, conditional))
        if request.method == "PUT":
            if "Expect" in request.headers and request.transport is not None:
                request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            received = await request.read()
            if conditional:
                return web.Response(status=501)
            stored[key] = received
            return web.Response(status=201)
        return web.Response(status=200 if key in stored else 404)

    async with opened(answer) as store:
        await store.put("first", body, if_absent=True)
        await store.put("second", body, if_absent=True)
        with pytest.raises(ObjectExistsError, match="first exists already"):
            await store.put("first", body[1:], if_absent=True)

    assert stored == {"first": body, "second": body}
    assert asked == [
        ("PUT", "first", True), ("HEAD", "first", False), ("PUT", "first", False),
        ("HEAD", "second", False), ("PUT", "second", False),
        ("HEAD", "first", False),
    ]  # fmt: skip


async def test_a_redirection_is_named_with_the_url_that_was_asked() -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=301, headers={"Location": "https://swift/v1/a/container/key"})

    async with opened(answer) as store:
        with pytest.raises(StoreError) as caught:
            await store.get("key", limit=1)

    message = str(caught.value)
    assert "GET key answered 301, redirecting to https://swift/v1/a/container/key;" in message
    assert "(http://127.0.0.1:" in message
    assert message.endswith("/v1/a/container/key)")


async def test_a_connection_that_fails_is_named_with_the_url_that_was_asked() -> None:
    environment = {
        "ST_AUTH": "http://127.0.0.1:1/auth", "ST_USER": "u", "ST_KEY": "k",
    }  # fmt: skip
    async with open_store("swift://container", environment=environment) as store:
        with pytest.raises(StoreError, match=r"the connection failed .* \(http://127\.0\.0\.1:1/auth\)$"):
            await store.list("")
