"""Servers and proxies that break with the rules of HTTP, or keep rare ones: what they lack is noticed once."""

from __future__ import annotations

import random
import socket
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from dcdist.errors import StoreDeniedError, StoreError, StoreFullError, WebPageError
from dcdist.policy.requests.retry import Backoff
from dcdist.store import Retrying, open_store
from dcdist.store.http import expect
from tests.support.http_server import serve
from tests.support.raw_http import RawRequest, serve_raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store

LARGE = bytes(8 << 20)


@asynccontextmanager
async def swift_at(
    handle: Callable[[RawRequest], Awaitable[None]], told: list[Troubled] | None = None
) -> AsyncIterator[Store]:
    """A store in a server that signs everybody in, and whose other answers `handle` gives."""

    async def answer(request: RawRequest) -> None:
        if request.path == "/auth":
            await request.answer(200, X_Auth_Token="t", X_Storage_Url=f"{url}/v1/a")
        else:
            await handle(request)

    async with serve_raw(answer) as url:
        environment = {"ST_AUTH": f"{url}/auth", "ST_USER": "u", "ST_KEY": "k"}
        report = None if told is None else told.append
        async with open_store("swift://container", environment=environment, report=report) as store:
            yield store


async def test_a_body_goes_though_nobody_answers_expect_and_the_next_one_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expect, "CONTINUE_WAIT", 0.05)
    told: list[Troubled] = []
    asked = []

    async def never_continues(request: RawRequest) -> None:
        asked.append((request.path, request.headers.get("expect"), await request.body() == LARGE))
        await request.answer(201)

    async with swift_at(never_continues, told) as store:
        await store.put("first", LARGE)
        await store.put("second", LARGE)

    assert asked == [("/v1/a/container/first", "100-continue", True), ("/v1/a/container/second", None, True)]
    assert [each.message for each in told] == [
        "swift://container: the server takes no notice of the header Expect: large bodies are sent without it"
    ]


async def test_a_server_that_asks_for_the_body_late_is_asked_again_with_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expect, "CONTINUE_WAIT", 0.05)
    told: list[Troubled] = []
    asked = []

    async def continues_late(request: RawRequest) -> None:
        # Its first part has come without being asked for: the wait is over.
        first = await request.reader.readexactly(1)
        request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        rest = await request.reader.readexactly(len(LARGE) - 1)
        asked.append((request.headers.get("expect"), first + rest == LARGE))
        await request.answer(201)

    async with swift_at(continues_late, told) as store:
        await store.put("first", LARGE)
        await store.put("second", LARGE)

    assert asked == [("100-continue", True)] * 2
    assert told == []


async def test_a_417_is_repeated_without_expect_and_remembered() -> None:
    told: list[Troubled] = []
    asked = []

    async def refuses_expect(request: RawRequest) -> None:
        asked.append((request.path[-1], request.headers.get("expect")))
        if "expect" in request.headers:
            await request.answer(417)
            return
        assert await request.body() == LARGE
        await request.answer(201)

    async with swift_at(refuses_expect, told) as store:
        await store.put("a", LARGE)
        await store.put("b", LARGE)

    assert asked == [("a", "100-continue"), ("a", None), ("b", None)]
    assert ["refuses the header Expect (417)" in each.message for each in told] == [True]


@contextmanager
def refusing_at_once(status: int) -> Iterator[str]:
    """A server in a thread of its own, as fast as others are, which reads no body: it answers and closes. Its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        account = f"HTTP/1.1 200 Told\r\nX-Auth-Token: t\r\nX-Storage-Url: {url}/v1/a\r\n"

        def serve_all() -> None:
            while True:
                connection, _ = listening.accept()
                with connection:
                    head = connection.recv(1 << 16)
                    if head == b"the end":
                        return
                    refusal = f"HTTP/1.1 {417 if b'Expect' in head else status} Told\r\n"
                    answer = account if b"GET /auth" in head else refusal
                    connection.sendall(f"{answer}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())

        thread = threading.Thread(target=serve_all)
        thread.start()
        try:
            yield url
        finally:
            with socket.create_connection(listening.getsockname()) as last:
                last.sendall(b"the end")
            thread.join()


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, StoreDeniedError), (507, StoreFullError), (413, StoreFullError)],
)
async def test_a_refusal_before_the_end_of_a_body_is_heard_without_expect(status: int, kind: type[StoreError]) -> None:
    """What the next part of the body meets is a broken pipe, which now and then comes first: then it is tried again."""
    with refusing_at_once(status) as url:
        environment = {"ST_AUTH": f"{url}/auth", "ST_USER": "u", "ST_KEY": "k"}
        async with open_store("swift://container", environment=environment) as opened:
            store = Retrying(opened, rng=random.Random(1), backoff=Backoff(tries=3, first=0.0))
            for _ in range(40):
                with pytest.raises(kind, match=f"{status}"):
                    await store.put("key", LARGE)


PAGE = "<!DOCTYPE html>\n<html><body>Please sign in</body></html>"


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/octet-stream"])
async def test_a_page_in_place_of_an_object_is_told_at_once(content_type: str) -> None:
    async def page(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=PAGE.encode(), headers={"Content-Type": content_type})

    async with serve(page) as url, open_store(f"{url}/files", environment={}) as store:
        with pytest.raises(WebPageError) as caught:
            await store.get("releases/demo/1", limit=1000)

    assert str(caught.value) == (
        f"{url}/files: GET releases/demo/1: the server answers with a web page where releases/demo/1 should be: is the "
        "store's URL right? The page may be a sign-in, or what the server shows for a missing object "
        f"({url}/files/releases/demo/1)"
    )


async def test_a_page_in_place_of_a_range_and_one_that_is_too_long_are_pages_too() -> None:
    async def page(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=PAGE, content_type="text/html")

    async with serve(page) as url, open_store(url, environment={}) as store:
        with pytest.raises(WebPageError):
            async with store.read("key", start=5, length=10):
                pass
        with pytest.raises(WebPageError):
            await store.get("key", limit=3)


async def test_an_object_that_the_server_calls_a_page_is_read() -> None:
    async def wrong_type(request: web.BaseRequest) -> web.StreamResponse:
        body, start = b"\x93 not a page", 0
        if "Range" in request.headers:
            return web.Response(
                status=206, body=body[2:5], content_type="text/html", headers={"Content-Range": "bytes 2-4/12"}
            )
        return web.Response(body=body[start:], content_type="text/html")

    async with serve(wrong_type) as url, open_store(url, environment={}) as store:
        assert await store.get("key", limit=100) == b"\x93 not a page"
        async with store.read("key", start=2, length=3) as parts:
            assert b"".join([part async for part in parts]) == b"not"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("ftp://host/key", "redirected to ftp://host/key: only http and https are followed"),
        ("file:///etc/passwd", "redirected to file:///etc/passwd: only http and https are followed"),
        ("mailto:me@host", r"redirected to ...@host: only http and https are followed"),
        ("http://host/\x01key", "redirected to http://host/?key, which has control characters in it"),
        ("http://host:99999/", "redirected to http://host:99999/, which is not a URL"),
    ],
)
async def test_a_redirect_that_leads_nowhere_is_refused_at_once_and_named(location: str, reason: str) -> None:
    asked = []

    async def redirects(request: RawRequest) -> None:
        asked.append(request.path)
        await request.answer(302, Location=location)

    async with serve_raw(redirects) as url, open_store(url, environment={}) as store:
        with pytest.raises(StoreError) as caught:
            await store.get("key", limit=1)

    assert not caught.value.retryable
    assert reason in str(caught.value)
    assert asked == ["/key"]


async def test_redirects_have_an_end() -> None:
    asked = []

    async def further(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        raise web.HTTPFound(f"/{len(asked)}")

    async with serve(further) as url, open_store(url, environment={}) as store:
        with pytest.raises(StoreError, match="redirected in circles, 11 times"):
            await store.get("key", limit=1)

    assert len(asked) == 11


async def test_credentials_of_the_stores_url_go_to_its_own_server_only() -> None:
    seen = []

    async def elsewhere(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(("elsewhere", request.headers.get("Authorization")))
        return web.Response(body=b"x")

    async with serve(elsewhere) as other:

        async def first(request: web.BaseRequest) -> web.StreamResponse:
            seen.append((request.path, request.headers.get("Authorization")))
            raise web.HTTPFound("/again" if request.path == "/key" else f"{other}/key")

        async with serve(first) as url, open_store(url.replace("//", "//me:p%C3%A9@"), environment={}) as store:
            assert await store.get("key", limit=1) == b"x"

    # Of "me:pé" in UTF-8.
    assert seen == [("/key", "Basic bWU6cMOp"), ("/again", "Basic bWU6cMOp"), ("elsewhere", None)]


@pytest.mark.parametrize("path", ["/files", "/elsewhere"])
async def test_a_range_through_four_mirrors_with_an_etag_each_costs_one_remark(path: str) -> None:
    told: list[Troubled] = []
    body, asked = bytes(range(256)) * 40, []

    async def mirror(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.headers.get("If-Match"))
        at, stop = request.http_range.start or 0, request.http_range.stop or 0
        headers = {"Content-Range": f"bytes {at}-{stop - 1}/{len(body)}", "ETag": f'"{len(asked) % 4}"'}
        return web.Response(status=206, body=body[at:stop], headers=headers)

    async with serve(mirror) as url, open_store(f"{url}{path}", environment={}, report=told.append) as store:
        got = b""
        for start in range(0, len(body), 1024):
            async with store.read("key", start=start, length=1024) as parts:
                got += b"".join([part async for part in parts])

    assert got == body
    assert asked == [None] * 10
    assert [(each.kind, each.source) for each in told] == [("workaround", f"{url}{path}/key")]
