"""What web servers, proxies and certificates do to a store behind HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from dcdist.errors import (
    RangeError,
    ShortBodyError,
    StoreDeniedError,
    StoreError,
    StoreUnavailableError,
)
from dcdist.store import open_store
from tests.support.certificates import self_signed
from tests.support.http_server import serve

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store

BODY = bytes(range(256)) * 64


async def _read(store: Store, start: int, length: int) -> bytes:
    async with store.read("key", start=start, length=length) as parts:
        return b"".join([part async for part in parts])


def _range(request: web.BaseRequest, **headers: str) -> web.Response:
    """A plain answer to a request for a range."""
    asked = request.http_range
    first, stop = asked.start or 0, asked.stop or len(BODY)
    shown = {"Content-Range": f"bytes {first}-{stop - 1}/{len(BODY)}"} | headers
    return web.Response(status=206, body=BODY[first:stop], headers=shown)


async def test_a_redirect_is_followed_with_its_range() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/files/key":
            raise web.HTTPFound("/elsewhere")
        return _range(request)

    async with serve(handler) as url, open_store(f"{url}/files", environment={}) as store:
        assert await _read(store, 5, 10) == BODY[5:15]


async def test_redirects_in_circles_are_an_error() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        raise web.HTTPFound(request.path)

    async with serve(handler) as url, open_store(url, environment={}) as store:
        with pytest.raises(StoreError, match="circles"):
            await store.get("key", limit=1)


async def test_bytes_are_never_decoded() -> None:
    seen = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.headers["Accept-Encoding"])
        return _range(request, **{"Content-Encoding": "gzip"})

    async with serve(handler) as url, open_store(url, environment={}) as store:
        assert await _read(store, 5, 10) == BODY[5:15]

    assert seen == ["identity"]


async def test_without_an_etag_the_date_and_the_size_tell_versions_apart() -> None:
    dates = iter(["Sun, 06 Nov 1994 08:49:37 GMT"] * 2 + ["Sun, 06 Nov 1994 08:49:38 GMT"])
    asked: list[str | None] = []
    told: list[Troubled] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.headers.get("If-Match"))
        return _range(request, **{"Last-Modified": next(dates)})

    async with serve(handler) as url, open_store(url, environment={}, report=told.append) as store:
        assert await _read(store, 0, 5) + await _read(store, 5, 5) == BODY[:10]
        assert told == []
        assert await _read(store, 10, 5) == BODY[10:15]

    assert asked == [None, None, None]
    assert [each.message.split(": ")[1][:21] for each in told] == ["key comes in versions"]


async def test_a_body_of_unannounced_length_is_held_to_the_range() -> None:
    lengths = iter([10, 9, 11])

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(status=206, headers={"Content-Range": f"bytes 0-9/{len(BODY)}"})
        await response.prepare(request)
        await response.write(BODY[: next(lengths)])
        return response

    async with serve(handler) as url, open_store(url, environment={}) as store:
        assert await _read(store, 0, 10) == BODY[:10]
        with pytest.raises(ShortBodyError, match="1 bytes early"):
            await _read(store, 0, 10)
        with pytest.raises(RangeError, match="longer"):
            await _read(store, 0, 10)


async def test_a_whole_object_of_unannounced_length_is_held_to_the_limit() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(BODY)
        return response

    async with serve(handler) as url, open_store(url, environment={}) as store:
        assert await store.get("key", limit=len(BODY)) == BODY
        with pytest.raises(Exception, match="larger than 100 bytes"):
            await store.get("key", limit=100)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_refused_connection_is_an_unavailable_store() -> None:
    async with open_store(f"http://127.0.0.1:{_free_port()}", environment={}) as store:
        with pytest.raises(StoreUnavailableError, match="the connection failed"):
            await store.get("key", limit=1)


async def test_a_name_that_cannot_be_resolved_is_an_unavailable_store() -> None:
    async with open_store("http://no-such-host.invalid", environment={}) as store:
        with pytest.raises(StoreUnavailableError, match="cannot be resolved"):
            await store.get("key", limit=1)


async def test_what_is_no_http_is_an_unavailable_store() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        request.transport.close()
        return web.Response()

    async with serve(handler) as url, open_store(url, environment={}) as store:
        with pytest.raises(StoreUnavailableError):
            await store.get("key", limit=1)


async def test_requests_go_through_the_proxy_but_for_hosts_that_need_none() -> None:
    seen = []

    async def proxy(request: web.BaseRequest) -> web.StreamResponse:
        seen.append((str(request.url), request.headers.get("Proxy-Authorization")))
        return _range(request)

    async with serve(proxy) as url:
        environment = {"http_proxy": url.replace("http://", "http://user:pass@"), "no_proxy": "direct.invalid"}
        async with open_store("http://store.invalid/files", environment=environment) as store:
            assert await _read(store, 5, 10) == BODY[5:15]
        async with open_store("http://direct.invalid/files", environment=environment) as store:
            with pytest.raises(StoreUnavailableError):
                await _read(store, 5, 10)

    assert seen == [("http://store.invalid/files/key", "Basic dXNlcjpwYXNz")]


async def test_a_proxy_that_wants_credentials_is_said() -> None:
    async def proxy(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return web.Response(status=407)

    async with (
        serve(proxy) as url,
        open_store("http://store.invalid", environment={"http_proxy": url}) as plain,
    ):
        with pytest.raises(StoreDeniedError, match="proxy wants credentials"):
            await plain.get("key", limit=1)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
async def test_a_ca_of_ones_own_is_named_by_a_variable(variable: str, tmp_path: Path) -> None:
    pem, context = self_signed(tmp_path)

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return _range(request)

    async with serve(handler, tls=context) as url:
        async with open_store(url, environment={variable: str(pem)}) as store:
            assert await _read(store, 5, 10) == BODY[5:15]
        async with open_store(url, environment={variable: "/dev/null"}, ca_file=pem) as store:
            assert await _read(store, 5, 10) == BODY[5:15]


async def test_an_unknown_certificate_is_refused_and_the_way_out_named(tmp_path: Path) -> None:
    _, context = self_signed(tmp_path)

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return _range(request)

    async with serve(handler, tls=context) as url, open_store(url, environment={}) as store:
        with pytest.raises(StoreError, match="SSL_CERT_FILE") as caught:
            await _read(store, 5, 10)

    assert not caught.value.retryable


def test_a_client_imported_without_certificates_changes_nothing_for_contexts_made_later(tmp_path: Path) -> None:
    pem, _ = self_signed(tmp_path)
    code = (
        "import os, ssl\n"
        "from dcdist.store.http.http_client import import_without_certificates\n"
        "import_without_certificates()\n"
        "from aiohttp import connector\n"
        "theirs, ours = connector._SSL_CONTEXT_VERIFIED, ssl.create_default_context()\n"
        "print(theirs.cert_store_stats()['x509'], ours.cert_store_stats()['x509'], os.environ['SSL_CERT_FILE'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"SSL_CERT_FILE": str(pem)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.split() == ["0", "1", str(pem)]
