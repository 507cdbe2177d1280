"""A server that answers as no Swift does: listings end, with a reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from dcdist.errors import StoreError
from dcdist.store import open_store
from tests.support.http_server import serve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROW = {"name": "a", "bytes": 1, "last_modified": "2026-11-22T11:39:33.250000"}


async def list_with(answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
    """Sign in at a server, and list a container that it answers for."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/auth":
            return web.Response(headers={"X-Auth-Token": "t", "X-Storage-Url": f"http://{request.host}/v1/a"})
        return await answer(request)

    async with serve(handle) as url:
        environment = {"ST_AUTH": f"{url}/auth", "ST_USER": "u", "ST_KEY": "k"}
        async with open_store("swift://container", environment=environment) as store:
            await store.list("")


async def test_a_server_that_gives_the_same_page_for_ever_ends_a_listing() -> None:
    async def same_page(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=json.dumps([ROW] * 1000))

    with pytest.raises(StoreError, match="does not go on: asked for what follows 'a'"):
        await list_with(same_page)


async def test_a_page_without_end_is_left() -> None:
    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(1 << 20))

    with pytest.raises(StoreError, match="a page of over 16777216 bytes"):
        await list_with(endless)
