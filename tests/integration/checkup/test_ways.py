"""Examines the ways between a host and others: certificates, proxies, its own port, other hosts that answer or not."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from dcdist.checkup.checkup_request import CheckupRequest
from dcdist.checkup.dialling import dial
from dcdist.checkup.examination import examine
from dcdist.checkup.findings.finding import Check, FindingState
from dcdist.checkup.findings.member_findings import Dialled
from dcdist.disk.seeder_lock import SeederLock
from dcdist.engine.fetch_options import Reach
from dcdist.swarm import open_swarm
from tests.support.certificates import self_signed
from tests.support.checkups import LOOPBACK, found, publish
from tests.support.http_server import serve

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from dcdist.model.identity import Address

OK, WARNING, FAILED, SKIPPED = FindingState
HERE = Reach(listen=LOOPBACK)


async def _nothing(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=404)


@asynccontextmanager
async def server(
    greet: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Address]:
    """A TCP server on loopback."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await greet(reader, writer)
        except (ConnectionError, EOFError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve_one, "127.0.0.1", 0, ssl=tls) as listening:
        yield ("127.0.0.1", listening.sockets[0].getsockname()[1])


async def _ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await reader.read()


async def _silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(65_536):
        pass


@pytest.fixture
def closed() -> Address:
    """A port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(LOOPBACK)
        place: Address = bound.getsockname()
    return place


async def test_a_bittorrent_peer_answers_and_another_program_is_known_for_what_it_is(closed: Address) -> None:
    async with open_swarm(LOOPBACK) as swarm, server(_ssh) as place:
        assert await dial(("127.0.0.1", swarm.port)) is Dialled.ANSWERS
        assert await dial(place) is Dialled.OTHER_PROGRAM
        assert await dial(closed) is Dialled.REFUSED
        async with server(_silent) as silent:
            assert await dial(silent) is Dialled.MUTE
        # It was called, and counts nobody.
        assert (await swarm.latest_statistics()).peers_seen == 0


async def test_peers_that_do_not_answer_are_named(tmp_path: Path, closed: Address) -> None:
    await publish(tmp_path.as_uri(), {})
    reach = Reach(listen=LOOPBACK, peers=(closed,))
    finding = found(await examine(CheckupRequest(tmp_path.as_uri(), reach=reach), environment={}))[Check.PEERS]

    assert finding.state is FAILED
    assert finding.message == (f"1 host(s) of --peer: 0 answer; 127.0.0.1:{closed[1]} refuses: nothing listens there")


async def test_an_address_that_does_not_lead_here_is_said(tmp_path: Path, closed: Address) -> None:
    reach = Reach(listen=LOOPBACK, advertise=closed)
    seen = found(await examine(CheckupRequest(tmp_path.as_uri(), reach=reach), environment={}))
    assert seen[Check.ADDRESS].message.startswith(f"127.0.0.1:{closed[1]} would be announced: --advertise says so")
    assert seen[Check.CONNECT_BACK].state is FAILED
    assert "is refused, although the address is this host's" in seen[Check.CONNECT_BACK].message

    async with server(_ssh) as place:
        reach = Reach(listen=LOOPBACK, advertise=place)
        seen = found(await examine(CheckupRequest(tmp_path.as_uri(), reach=reach), environment={}))
    assert seen[Check.CONNECT_BACK].message == f"something else answers at 127.0.0.1:{place[1]}"


async def test_a_port_that_is_taken_is_said_and_no_connection_is_tried(tmp_path: Path) -> None:
    async with open_swarm(LOOPBACK) as swarm:
        reach = Reach(listen=("127.0.0.1", swarm.port))
        seen = found(await examine(CheckupRequest(tmp_path.as_uri(), reach=reach), environment={}))

    assert seen[Check.LISTEN].state is FAILED
    assert f"cannot listen on 127.0.0.1 port {swarm.port}" in seen[Check.LISTEN].message
    assert (seen[Check.CONNECT_BACK].state, seen[Check.CONNECT_BACK].message) == (SKIPPED, "this host cannot listen")


@pytest.mark.parametrize(
    ("days", "trusted", "state", "words"),
    [
        (36_500.0, True, OK, "accepted, valid until "),
        (36_500.0, False, FAILED, "self-signed certificate"),
        (30.0, True, FAILED, "certificate has expired"),
    ],
)
async def test_a_certificate_is_told_with_its_end_and_the_ca_file(
    tmp_path: Path, days: float, trusted: bool, state: FindingState, words: str
) -> None:
    pem, context = self_signed(tmp_path, days=days)
    environment = {"SSL_CERT_FILE": str(pem)} if trusted else {}
    async with serve(_nothing, tls=context) as url:
        finding = found(await examine(CheckupRequest(url, reach=HERE), environment=environment))[Check.TLS]

    assert finding.state is state
    assert words in finding.message
    assert (f"checked with SSL_CERT_FILE={pem}" if trusted else "the CAs of this system") in finding.message


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_is_named_with_its_variable_and_hears_its_password_as_its_url_says(
    tmp_path: Path, scheme: str
) -> None:
    pem, context = self_signed(tmp_path)
    asked: list[bytes] = []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        _, _, port = asked[-1].split()[1].partition(b":")
        inner, outer = await asyncio.open_connection("127.0.0.1", int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_copy(reader, outer), _copy(inner, writer))

    tls = context if scheme == "https" else None
    async with serve(_nothing, tls=context) as url, server(connect, tls=tls) as (host, port):
        environment = {"HTTPS_PROXY": f"{scheme}://joe:s3cr3t@{host}:{port}", "SSL_CERT_FILE": str(pem)}
        checkup = await examine(CheckupRequest(url, reach=HERE), environment=environment)
    seen = found(checkup)

    assert seen[Check.PROXY].message == f"{url} by the proxy {scheme}://{host}:{port} (HTTPS_PROXY)"
    assert seen[Check.TLS].message.startswith(f"{url.removeprefix('https://')}: accepted, valid until ")
    assert len(asked) >= 2
    assert all(b"Proxy-Authorization: Basic am9lOnMzY3IzdA==" in each for each in asked)
    assert "s3cr3t" not in repr(checkup)


async def test_a_proxy_hears_no_password_before_its_certificate_is_accepted(tmp_path: Path) -> None:
    _, context = self_signed(tmp_path)
    heard: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(65_536))

    async with serve(_nothing, tls=context) as url, server(listen) as (host, port):
        environment = {"https_proxy": f"https://joe:s3cr3t@{host}:{port}"}
        plain = found(await examine(CheckupRequest(url, reach=HERE), environment=environment))[Check.TLS]
    async with serve(_nothing, tls=context) as url, server(listen, tls=context) as (host, port):
        environment = {"https_proxy": f"https://joe:s3cr3t@{host}:{port}"}
        unknown = found(await examine(CheckupRequest(url, reach=HERE), environment=environment))[Check.TLS]

    assert heard
    assert all(b"CONNECT" not in each for each in heard)
    assert plain.state is not OK
    assert unknown.message == (
        f"the proxy https://{host}:{port}: self-signed certificate (checked with the CAs of this system)"
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"odd\r\n\r\n",
        b"",
        b"x" * 100_000,
    ],
)
async def test_a_proxy_that_refuses_leaves_no_connection(answer: bytes) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)

    async with server(refuse) as (host, port):
        environment = {"https_proxy": f"http://{host}:{port}"}
        seen = found(await examine(CheckupRequest("https://127.0.0.1:1", reach=HERE), environment=environment))
    assert (seen[Check.TLS].state, seen[Check.TLS].message) == (SKIPPED, "there is no connection to the server")


async def test_a_port_that_is_taken_meanwhile_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await publish(tmp_path.as_uri(), {})

    async def taken(*_: object, **__: object) -> None:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))

    monkeypatch.setattr(asyncio, "start_server", taken)
    checkup = await examine(CheckupRequest(tmp_path.as_uri(), reach=HERE), environment={})
    finding = found(checkup)[Check.CONNECT_BACK]
    assert (finding.state, finding.message) == (FAILED, "the system refused: Address already in use")
    assert finding.advice == "choose another address or port with --listen, or end the program that uses it"


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65_536):
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@pytest.mark.parametrize("is_of_this_cache", [True, False])
async def test_a_port_is_free_for_a_fetch_if_the_seeder_of_its_own_cache_holds_it(
    tmp_path: Path, is_of_this_cache: bool
) -> None:
    await publish((tmp_path / "store").as_uri(), {})
    cache, other = tmp_path / "cache", tmp_path / "other"
    cache.mkdir()
    other.mkdir()
    lock = SeederLock(cache if is_of_this_cache else other)
    async with server(_ssh) as place:
        lock.take(place[1])
        request = CheckupRequest((tmp_path / "store").as_uri(), cache=cache, reach=Reach(listen=place))
        findings = found(await examine(request, environment={}))
        lock.release()
    assert findings[Check.LISTEN].state is (OK if is_of_this_cache else FAILED)
    assert ("gives way to the next fetch" in findings[Check.LISTEN].message) is is_of_this_cache
