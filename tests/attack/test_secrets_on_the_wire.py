"""Somebody on the network listens for credentials, or a server leads them to where somebody can.

Over TLS no credential is led out of it. Where the user's own URLs send one in clear, that is told once, at the start.
Names of `.invalid` are reached through a proxy on loopback: so these servers are elsewhere, as far as dcdist knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.checkup.findings.finding import Check, FindingState
from dcdist.checkup.server_checks import check_certificates
from dcdist.errors import StoreDeniedError, StoreError
from dcdist.store import open_store
from dcdist.store.servers import first_route
from tests.support.certificates import self_signed
from tests.support.http_server import serve
from tests.support.raw_http import RawRequest, serve_raw

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

    from dcdist.model.trouble import Troubled

KEY = "S3CRET-KEY"
TOKEN = "S3CRET-TOKEN"


def exposed(told: list[Troubled]) -> list[str]:
    """What was told of credentials in clear."""
    return [each.message for each in told if each.kind == "exposed"]


async def named_by_a_proxy(request: RawRequest) -> None:
    """Any server that a proxy is asked for: it signs everybody in, to itself, and has no object."""
    if request.path.endswith("/auth"):
        await request.answer(200, X_Auth_Token=TOKEN, X_Storage_Url=request.path.replace("/auth", "/v1/a"))
    else:
        await request.answer(404)


@pytest.mark.parametrize(
    ("store", "environment", "said"),
    [
        ("swift://c", {"ST_AUTH": "http://swift.invalid/auth"}, "swift://c: ST_KEY goes unencrypted to swift.invalid"),
        (
            f"http://me:{KEY}@web.invalid/x",
            {},
            "http://web.invalid/x: the password of the URL goes unencrypted to web.invalid",
        ),
        ("http://web.invalid/x", {}, None),
    ],
)
async def test_credentials_in_clear_are_told_once(store: str, environment: dict[str, str], said: str | None) -> None:
    told: list[Troubled] = []
    async with serve_raw(named_by_a_proxy) as proxy:
        whole = {"ST_USER": "u", "ST_KEY": KEY, "http_proxy": proxy, **environment}
        async with open_store(store, environment=whole, report=told.append) as opened:
            for _ in range(2):
                with pytest.raises(StoreError):
                    await opened.get("key", limit=1)

    assert [each.partition(": whoever")[0] for each in exposed(told)] == ([] if said is None else [said])
    assert not any(KEY in each for each in exposed(told))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nobody_listens_on_loopback(host: str) -> None:
    told: list[Troubled] = []

    async def server(request: RawRequest) -> None:
        if request.path == "/auth":
            await request.answer(200, X_Auth_Token=TOKEN, X_Storage_Url=f"{url}/v1/a")
        else:
            await request.answer(404)

    async with serve_raw(server) as url:
        environment = {"ST_AUTH": f"{url.replace('127.0.0.1', host)}/auth", "ST_USER": "u", "ST_KEY": KEY}
        async with open_store("swift://c", environment=environment, report=told.append) as store:
            with pytest.raises(StoreError):
                await store.get("key", limit=1)

    assert exposed(told) == []


async def test_a_sign_in_over_tls_leads_no_token_out_of_it_unless_the_user_says_so(tmp_path: Path) -> None:
    pem, context = self_signed(tmp_path)
    asked: list[str | None] = []
    told: list[Troubled] = []

    async def listener(request: RawRequest) -> None:
        asked.append(request.headers.get("x-auth-token"))
        await request.answer(404)

    async def sign_in(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return answer(headers={"X-Auth-Token": TOKEN, "X-Storage-Url": "http://inside.invalid/v1/a"})

    from aiohttp.web import Response as answer  # noqa: N813

    async with serve_raw(listener) as proxy, serve(sign_in, tls=context) as auth:
        environment = {"ST_AUTH": f"{auth}/auth", "ST_USER": "u", "ST_KEY": KEY, "http_proxy": proxy}
        async with open_store("swift://c", environment=environment, ca_file=pem, report=told.append) as store:
            with pytest.raises(StoreError, match="the token and the data would go unencrypted"):
                await store.get("key", limit=1)
        assert (asked, exposed(told)) == ([], [])

        environment["ST_STORAGE_URL"] = "http://inside.invalid/v1/a"
        async with open_store("swift://c", environment=environment, ca_file=pem, report=told.append) as store:
            with pytest.raises(StoreError, match="404"):
                await store.get("key", limit=1)

    assert asked == [TOKEN]
    assert [each.partition(" unencrypted")[0] for each in exposed(told)] == ["swift://c: the token of the sign-in goes"]


@pytest.mark.parametrize("to", ["http://elsewhere.invalid/key", "http://127.0.0.1:1/key", "//elsewhere.invalid/key"])
async def test_a_redirect_leads_nobody_out_of_tls_and_takes_no_credentials_along(tmp_path: Path, to: str) -> None:
    pem, context = self_signed(tmp_path)
    asked: list[dict[str, str]] = []

    async def listener(request: RawRequest) -> None:
        asked.append({"method": request.method, **request.headers})
        await request.answer(403)

    async def redirect(request: web.BaseRequest) -> web.StreamResponse:
        assert request.headers["Authorization"]
        return answer(status=302, headers={"Location": to})

    from aiohttp.web import Response as answer  # noqa: N813

    async with serve_raw(listener) as proxy, serve(redirect, tls=context) as url:
        environment = {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": "127.0.0.1"}
        with_password = url.replace("https://", f"https://me:{KEY}@")
        async with open_store(with_password, environment=environment, ca_file=pem) as store:
            wanted = "not taken over http" if to.startswith("http:") else "the proxy does not allow this"
            with pytest.raises((StoreError, StoreDeniedError), match=wanted) as caught:
                await store.get("key", limit=1)

    assert KEY not in str(caught.value)
    # Over TLS the proxy is asked for a connection, and hears nothing else.
    assert [each["method"] for each in asked] == ([] if to.startswith("http:") else ["CONNECT"])
    assert not any("authorization" in each for each in asked)


@pytest.mark.parametrize(
    ("url", "environment", "state"),
    [
        ("swift://c", {"ST_AUTH": "http://swift.invalid/auth", "ST_USER": "u", "ST_KEY": KEY}, FindingState.WARNING),
        (f"http://me:{KEY}@web.invalid/x", {}, FindingState.WARNING),
        ("http://web.invalid/x", {}, FindingState.OK),
        (f"http://me:{KEY}@127.0.0.1/x", {}, FindingState.OK),
    ],
)
async def test_doctor_warns_of_credentials_in_clear(url: str, environment: dict[str, str], state: FindingState) -> None:
    route = first_route(url, environment)
    assert route is not None
    finding = await check_certificates([route])

    assert (finding.check, finding.state) == (Check.TLS, state)
    assert KEY not in finding.message + finding.advice
