"""What a hostile server, or somebody on the way to it, sends without end: bytes, drips, headers, names, redirects.

Each request ends within its bound, with an error that says why; memory stays flat. The bounds are made short here.
"""

from __future__ import annotations

import asyncio
import gzip
import itertools
import random
import time
import tracemalloc
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from dcdist.errors import (
    FormatError,
    RangeError,
    StoreError,
    StoreThrottledError,
    StoreUnavailableError,
)
from dcdist.store import Retrying, open_store
from dcdist.store.http import http_body, http_session
from dcdist.store.http.http_session import HttpSession
from tests.contract.store_suite import read
from tests.support.raw_http import RawRequest, forever, serve_raw

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from dcdist.ports.store import Store

SHORT = 0.5
"""Seconds of the bounds here, which have 60 otherwise."""

ENOUGH = 30.0
"""Seconds after which a test gives up: what it waits for has no bound."""


@pytest.fixture
def short_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds for tests; so often a server sends its bytes that a silence of ten seconds never comes."""
    monkeypatch.setattr(http_body, "GRACE", SHORT)
    monkeypatch.setattr(http_session, "ANSWER", SHORT)


@asynccontextmanager
async def store_at(handle: Callable[[RawRequest], Awaitable[None]]) -> AsyncIterator[Store]:
    """A store at a web server that answers by `handle`; whatever is done with it has an end."""
    async with serve_raw(handle) as url, asyncio.timeout(ENOUGH), open_store(url, environment={}) as store:
        yield store


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PART = b"HTTP/1.1 206 Part\r\nContent-Range: bytes 0-999/1000\r\n"

HEADS = {
    "a header, again and again": (OK, b"X-More: of it\r\n", 0.01),
    "a header without end": (OK + b"X-Long: ", b"x" * 1000, 0.0),
    "headers as fast as can be": (OK, b"X-More: " + b"x" * 1000 + b"\r\n", 0.0),
    "100 Continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10, 0.0),
    "103 Early Hints": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </style>\r\n\r\n" * 10, 0.0),
    "a status line, byte by byte": (b"HTTP/1.1 200 ", b"O", 0.01),
}
BODIES = {
    "a byte now and then": (OK + b"Content-Length: 9000\r\n\r\n", b"x", 0.01),
    "of no announced length, a byte now and then": (OK + b"\r\n", b"x", 0.01),
    "zeros of a chunk's length": (CHUNKED, b"0" * 100, 0.001),
    "an extension of a chunk": (CHUNKED + b"1", b";name=" + b"x" * 100, 0.001),
    "trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X-More: of it\r\n", 0.01),
}


@pytest.mark.usefixtures("short_bounds")
@pytest.mark.parametrize("name", HEADS)
@pytest.mark.parametrize("operation", ["get", "read"])
async def test_a_head_without_end_ends_the_request(name: str, operation: str) -> None:
    head, again, pause = HEADS[name]

    async with store_at(partial(forever, head=head, again=again, pause=pause)) as store:
        with pytest.raises(StoreUnavailableError) as caught:
            await (store.get("key", limit=10_000) if operation == "get" else read(store, "key", 0, 1000))

    assert len(str(caught.value)) < 500


@pytest.mark.usefixtures("short_bounds")
@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_drips_ends_the_request(name: str) -> None:
    head, again, pause = BODIES[name]

    async with store_at(partial(forever, head=head, again=again, pause=pause)) as store:
        with pytest.raises(StoreUnavailableError, match=r"the body comes too slowly: \d+ bytes? in \d+ s"):
            await store.get("key", limit=10_000)


@pytest.mark.usefixtures("short_bounds")
async def test_a_range_that_drips_ends_too_though_more_slowly() -> None:
    head = PART + b"Content-Length: 1000\r\n\r\n"
    async with store_at(partial(forever, head=head, again=b"x", pause=0.01)) as store:
        with pytest.raises(StoreUnavailableError, match="the body comes too slowly"):
            await read(store, "key", 0, 1000)


async def test_whoever_takes_a_body_slowly_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with a low `--store-rate` waits between the parts; that is not the server's fault."""

    async def whole(request: RawRequest) -> None:
        request.writer.write(PART + b"Content-Length: 1000\r\n\r\n" + b"x" * 500)
        await request.writer.drain()
        await more.wait()
        request.writer.write(b"x" * 500)
        await request.writer.drain()

    more = asyncio.Event()
    monkeypatch.setattr(http_body, "GRACE", 3.0)
    async with store_at(whole) as store, store.read("key", start=0, length=1000) as parts:
        first = await anext(parts)
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "time", lambda: time.monotonic() + 5.0)  # which is also longer than the grace
        more.set()
        rest = b"".join([part async for part in parts])

    assert first + rest == b"x" * 1000


@pytest.mark.parametrize("head", [OK + b"\r\n", OK + b"Content-Length: 99999999999\r\n\r\n", CHUNKED])
async def test_a_body_without_end_takes_no_memory(head: bytes) -> None:
    again = b"10000\r\n" + b"x" * 65536 + b"\r\n" if head == CHUNKED else b"x" * 65536

    async with serve_raw(partial(forever, head=head, again=again)) as url, open_store(url, environment={}) as store:
        tracemalloc.start()
        try:
            for _ in range(5):
                with pytest.raises(FormatError, match="larger than 100000 bytes"):
                    await store.get("key", limit=100_000)
                with pytest.raises(RangeError):
                    await read(store, "key", 0, 10)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert peak < 20 << 20


@pytest.mark.parametrize("status", [401, 404, 500, 503])
async def test_the_body_of_a_refusal_is_not_read(status: int) -> None:
    head = f"HTTP/1.1 {status} No\r\nContent-Length: 99999999999\r\n\r\n".encode()

    async with store_at(partial(forever, head=head, again=b"x" * 65536)) as store:
        for _ in range(20):
            with pytest.raises(StoreError):
                await store.get("key", limit=10_000)


async def test_a_body_that_claims_to_be_packed_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(100 << 20))

    async def packed(request: RawRequest) -> None:
        request.writer.write(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb) + bomb)
        await request.writer.drain()

    async with serve_raw(packed) as url, open_store(url, environment={}) as store:
        assert await store.get("key", limit=len(bomb)) == bomb


@pytest.mark.parametrize("wish", ["1000000000", "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_server_that_asks_for_a_long_wait_is_not_waited_for(wish: str) -> None:
    async def busy(request: RawRequest) -> None:
        await request.answer(503, Retry_After=wish, Date="Sun, 06 Nov 1994 08:49:37 GMT")

    async with serve_raw(busy) as url, asyncio.timeout(ENOUGH), open_store(url, environment={}) as opened:
        with pytest.raises(StoreThrottledError, match="tried 1 times"):
            await Retrying(opened, rng=random.Random(1)).get("key", limit=1)


@pytest.mark.usefixtures("short_bounds")
async def test_redirects_share_one_bound() -> None:
    """Each of them just in time: together they are too late."""
    numbers = itertools.count()

    async def slowly_further(request: RawRequest) -> None:
        await asyncio.sleep(SHORT / 3)
        await request.answer(302, Location=f"/{next(numbers)}")

    async with serve_raw(slowly_further) as url, asyncio.timeout(ENOUGH), open_store(url, environment={}) as store:
        with pytest.raises(StoreUnavailableError, match=r"no whole answer within 0\.5 s"):
            await store.get("key", limit=1)


@asynccontextmanager
async def dripping(beginning: bytes) -> AsyncIterator[int]:
    """A server that speaks no HTTP: it sends `beginning`, and then a zero now and then. Its port."""
    over = asyncio.Event()
    tasks: set[asyncio.Task[None] | None] = set()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        tasks.add(asyncio.current_task())
        writer.write(beginning)
        while not over.is_set():
            writer.write(b"\0")
            await asyncio.sleep(0.01)
        writer.close()

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
        over.set()
        await asyncio.gather(*(task for task in tasks if task is not None))


@pytest.mark.usefixtures("short_bounds")
async def test_a_handshake_of_tls_that_drips_ends() -> None:
    # The head of a record of a handshake, 16 KiB long.
    async with (
        asyncio.timeout(ENOUGH),
        dripping(b"\x16\x03\x03\x40\x00") as port,
        open_store(f"https://127.0.0.1:{port}", environment={}) as store,
    ):
        with pytest.raises(StoreUnavailableError, match=r"no whole answer within 0\.5 s"):
            await store.get("key", limit=1)


@pytest.mark.usefixtures("short_bounds")
async def test_a_proxy_that_never_ends_its_answer_to_connect_is_left() -> None:
    async with serve_raw(partial(forever, head=b"HTTP/1.1 200 OK\r\n", again=b"X: y\r\n", pause=0.01)) as proxy:
        environment = {"https_proxy": proxy}
        async with asyncio.timeout(ENOUGH), open_store("https://store.invalid", environment=environment) as store:
            with pytest.raises(StoreUnavailableError, match=r"no whole answer .* through the proxy"):
                await store.get("key", limit=1)


@pytest.mark.parametrize("length", [10, 1 << 20])
async def test_an_upload_whose_answer_never_ends_is_left(length: int) -> None:
    async def never_done(request: RawRequest) -> None:
        if "expect" in request.headers:
            request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await request.body()
        await forever(request, b"HTTP/1.1 201 Made\r\n", b"X-More: of it\r\n", pause=0.01)

    async with serve_raw(never_done) as url, asyncio.timeout(ENOUGH):
        session = HttpSession("s", environment={}, stall=10.0, upload_stall=SHORT)
        try:
            with pytest.raises(StoreUnavailableError):
                await session.send("PUT", url, headers={}, body=bytes(length), key="key")
        finally:
            await session.close()


async def test_versions_of_many_objects_take_little_memory() -> None:
    numbers = itertools.count()

    async def long_etags(request: RawRequest) -> None:
        etag = f'"{next(numbers):08}{"x" * 7000}"'
        request.writer.write(
            b"HTTP/1.1 206 Part\r\nConnection: close\r\nContent-Range: bytes 0-0/1\r\nContent-Length: 1\r\nETag: "
            + etag.encode()
            + b"\r\n\r\nx"
        )
        await request.writer.drain()

    async with serve_raw(long_etags) as url, open_store(url, environment={}) as store:
        await read(store, "warm", 0, 1)
        tracemalloc.start()
        try:
            for number in range(200):
                await read(store, f"key{number}", 0, 1)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert held < 200 * 3000


@pytest.mark.usefixtures("short_bounds")
@pytest.mark.parametrize("answer", ["drip", "redirect"])
async def test_a_sign_in_that_never_ends_or_leads_elsewhere_gets_nothing(answer: str) -> None:
    asked: list[tuple[str, str | None]] = []

    async def server(request: RawRequest) -> None:
        asked.append((request.path, request.headers.get("x-auth-key")))
        if answer == "redirect":
            await request.answer(302, Location=f"{url}/elsewhere")
        else:
            await forever(request, OK, b"X-More: of it\r\n", pause=0.01)

    async with serve_raw(server) as url:
        environment = {"ST_AUTH": f"{url}/auth", "ST_USER": "u", "ST_KEY": "k"}
        async with asyncio.timeout(ENOUGH), open_store("swift://c", environment=environment) as store:
            with pytest.raises(StoreError, match=r"no whole answer|redirecting to"):
                await store.get("key", limit=1)

    assert asked == [("/auth", "k")]
