"""Examines hosts with real stores: good ones, and ones that refuse something. Nothing that was written stays."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from dcdist.checkup import bounded, examination, store_checks
from dcdist.checkup.checkup_request import CheckupRequest
from dcdist.checkup.examination import examine
from dcdist.checkup.findings.finding import Check, FindingState
from dcdist.engine.fetch_options import Reach
from dcdist.errors import StoreDeniedError, UsageError
from dcdist.store import open_store
from dcdist.store.wrapped import Wrapped
from tests.support.checkups import LOOPBACK, found, in_state, other_host, publish
from tests.support.http_server import serve, serve_directory
from tests.support.publishing import KEY, OTHER_KEY
from tools.lab.swift_config import READER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from dcdist.ports.store import Listing, Store
    from tools.lab.swift import Swift

OK, WARNING, FAILED, SKIPPED = FindingState
HERE = Reach(listen=LOOPBACK)
STEADY = {Check.SOFTWARE, Check.PROXY, Check.TLS, Check.SIGN_IN, Check.LIST, Check.WRITE, Check.DELETE, Check.CLOCK} | {
    Check.RELEASES, Check.LISTEN, Check.CONNECT_BACK, Check.MEMBERS
}  # fmt: skip
"""What is ok on a good host, however slow it is."""


async def _swarm_objects(url: str, environment: Mapping[str, str]) -> list[str]:
    async with open_store(url, environment=environment) as store:
        return [entry.key for entry in (await store.list("swarm/")).entries]


async def test_a_good_host_with_a_swift_is_ready_and_nothing_stays(
    swift: Swift, container: str, tmp_path: Path
) -> None:
    url = f"swift://{container}/demos"
    await publish(url, swift.environment)
    request = CheckupRequest(
        url, trust=(KEY.public,), cache=tmp_path / "host" / "cache", dest=tmp_path / "host" / "images", reach=HERE
    )
    async with other_host(url, swift.environment) as (_, port):
        checkup = await examine(request, environment=swift.environment)
        left = await _swarm_objects(url, swift.environment)
    seen = found(checkup)

    assert checkup.ready, checkup
    assert {check for check in STEADY if seen[check].state is not OK} == set()
    assert in_state(checkup, SKIPPED) == {Check.PEERS}
    assert seen[Check.SIGN_IN].message.endswith(f"accepts ST_USER=test:tester; its storage is {swift.storage_url}")
    assert seen[Check.MEMBERS].message == "1 host(s) listed: 1 answer, 1 of them on this machine"
    assert "web@1" in seen[Check.RELEASES].message
    assert seen[Check.CACHE].message.startswith(f"{tmp_path}/host/cache does not exist yet, and can be made; ")
    assert [key.startswith("swarm/web/default/") and f",{port}," in key for key in left] == [True]
    assert os.listdir(tmp_path) == []


async def test_a_good_host_with_a_directory_is_ready_and_nothing_stays(tmp_path: Path) -> None:
    url = (tmp_path / "store").as_uri()
    await publish(url, {})
    request = CheckupRequest(url, trust=(KEY.public,), demo="web", reach=HERE)
    async with other_host(url, {}):
        checkup = await examine(request, environment={})

    assert checkup.ready, checkup
    assert {check for check in STEADY if found(checkup)[check].state is not OK} == set()
    assert found(checkup)[Check.TLS].message == "none: the store is a directory"
    assert await _swarm_objects(url, {}) == []


async def test_a_wrong_key_fails_the_sign_in_and_skips_what_needs_it(swift: Swift, container: str) -> None:
    environment = {**swift.environment, "ST_KEY": "a-secret-that-is-wrong"}
    checkup = await examine(CheckupRequest(f"swift://{container}", reach=HERE), environment=environment)
    seen = found(checkup)

    assert in_state(checkup, FAILED) == {Check.SIGN_IN}
    assert "does not accept ST_USER=test:tester with that ST_KEY" in seen[Check.SIGN_IN].message
    assert "use credentials that may do this" in seen[Check.SIGN_IN].advice
    for check in (Check.STORE, Check.LIST, Check.WRITE, Check.DELETE, Check.CLOCK, Check.RELEASES, Check.MEMBERS):
        assert (seen[check].state, seen[check].message) == (SKIPPED, "no sign-in")
    assert seen[Check.LISTEN].state is OK
    assert "a-secret" not in repr(checkup)


async def test_an_account_that_may_only_read_leaves_no_heartbeats_so_peers_are_needed(
    swift: Swift, container: str
) -> None:
    url = f"swift://{container}"
    await publish(url, swift.environment)
    await _let_read(swift, container)
    environment = {**swift.environment, "ST_USER": READER}
    alone = await examine(CheckupRequest(url, trust=(KEY.public,), reach=HERE), environment=environment)
    async with other_host(url, swift.environment) as place:
        reach = Reach(listen=LOOPBACK, peers=(place,))
        with_peer = await examine(CheckupRequest(url, trust=(KEY.public,), reach=reach), environment=environment)
    seen = found(alone)

    assert in_state(alone, FAILED) == {Check.WRITE}
    assert "answered 403" in seen[Check.WRITE].message
    assert "they trade with those of --peer only" in seen[Check.WRITE].message
    assert "allow this host to write and delete under swarm/" in seen[Check.WRITE].advice
    assert (seen[Check.DELETE].state, seen[Check.DELETE].message) == (SKIPPED, "nothing was written")
    assert seen[Check.RELEASES].state is OK
    assert with_peer.ready, with_peer
    assert (found(with_peer)[Check.WRITE].state, found(with_peer)[Check.PEERS].state) == (WARNING, OK)


async def _let_read(swift: Swift, container: str) -> None:
    signing_in = {"X-Auth-User": swift.environment["ST_USER"], "X-Auth-Key": swift.environment["ST_KEY"]}
    async with aiohttp.ClientSession() as client:
        async with client.get(swift.environment["ST_AUTH"], headers=signing_in) as answer:
            headers = {"X-Auth-Token": answer.headers["X-Auth-Token"], "X-Container-Read": f"{READER},.rlistings"}
        async with client.post(f"{swift.storage_url}/{container}", headers=headers) as answer:
            assert answer.status == 204


async def test_a_web_server_is_read_only_and_cannot_be_listed_so_the_release_is_named(tmp_path: Path) -> None:
    await publish(tmp_path.as_uri(), {})
    async with serve_directory(tmp_path) as url, other_host(tmp_path.as_uri(), {}) as place:
        alone = await examine(CheckupRequest(url, reach=HERE), environment={})
        reach = Reach(listen=LOOPBACK, peers=(place,))
        unnamed = await examine(CheckupRequest(url, reach=reach), environment={})
        named = CheckupRequest(url, trust=(KEY.public,), demo="web", version="1", reach=reach)
        good = await examine(named, environment={})
        other_key = await examine(replace(named, trust=(OTHER_KEY.public,)), environment={})
    seen = found(good)

    assert in_state(alone, FAILED) == {Check.LIST, Check.WRITE}
    assert found(alone)[Check.STORE].message.startswith(f"{url}: the server answers; a small request takes ")
    assert found(alone)[Check.WRITE].message.startswith(f"{url} is read-only; without heartbeats")
    assert "a web server cannot be listed" in found(alone)[Check.LIST].message
    assert in_state(unnamed, FAILED) == {Check.LIST}
    assert "--demo DEMO@VERSION" in found(unnamed)[Check.LIST].advice
    assert found(unnamed)[Check.READ].state is SKIPPED
    assert good.ready, good
    assert seen[Check.RELEASES].message == "web@1 (400 kB of layers) is there, signed by a key of --trust"
    assert (seen[Check.READ].state, seen[Check.MEMBERS].state) == (OK, SKIPPED)
    assert in_state(other_key, FAILED) == {Check.RELEASES}


async def test_a_folder_of_a_web_server_that_is_not_there_is_not_ready(tmp_path: Path) -> None:
    async with serve_directory(tmp_path) as url, other_host(tmp_path.as_uri(), {}) as place:
        reach = Reach(listen=LOOPBACK, peers=(place,))
        request = CheckupRequest(f"{url}/nothing", demo="web", version="1", reach=reach)
        checkup = await examine(request, environment={})

    assert in_state(checkup, FAILED) == {Check.RELEASES}
    assert found(checkup)[Check.RELEASES].message == "there is no release web@1"
    assert found(checkup)[Check.STORE].message.startswith(f"{url}/nothing: the server answers")


async def test_a_web_server_without_ranges_is_not_ready(tmp_path: Path) -> None:
    await publish(tmp_path.as_uri(), {})

    async def whole(request: web.BaseRequest) -> web.StreamResponse:
        file = tmp_path / request.path.removeprefix("/")
        return web.Response(body=file.read_bytes()) if file.is_file() else web.Response(status=404)

    async with serve(whole) as url, other_host(tmp_path.as_uri(), {}) as place:
        reach = Reach(listen=LOOPBACK, peers=(place,))
        request = CheckupRequest(url, trust=(KEY.public,), demo="web", version="1", reach=reach)
        checkup = await examine(request, environment={})

    assert in_state(checkup, FAILED) == {Check.READ}
    assert "the whole object came instead of a range" in found(checkup)[Check.READ].message
    assert "answer requests for ranges" in found(checkup)[Check.READ].advice


def test_a_version_alone_is_of_no_demo() -> None:
    with pytest.raises(UsageError, match="version='1' is of no demo"):
        CheckupRequest("file:///store", version="1")


async def test_a_container_that_is_not_there_is_said_and_not_made(swift: Swift, container: str) -> None:
    checkup = await examine(CheckupRequest(f"swift://{container}", reach=HERE), environment=swift.environment)

    assert in_state(checkup, FAILED) == {Check.STORE}
    assert found(checkup)[Check.WRITE].message == "the store cannot be used"
    async with open_store(f"swift://{container}", environment=swift.environment) as store:
        assert not await store.exists()


async def test_a_release_of_another_key_is_said_to_be_passed_over(tmp_path: Path) -> None:
    await publish(tmp_path.as_uri(), {})
    request = CheckupRequest(tmp_path.as_uri(), trust=(OTHER_KEY.public,), reach=HERE)
    finding = found(await examine(request, environment={}))[Check.RELEASES]

    assert finding.state is FAILED
    assert finding.message == "none of the keys of --trust signed a release: web@1 (400 kB of layers)"


async def test_a_listing_that_lags_is_a_warning(swift: Swift, container: str) -> None:
    url = f"swift://{container}"
    await publish(url, swift.environment)
    swift.order(listing_lag=600.0)
    checkup = await examine(CheckupRequest(url, reach=HERE), environment=swift.environment)

    assert found(checkup)[Check.WRITE].state is WARNING
    assert "a listing at once does not show it" in found(checkup)[Check.WRITE].message


class Awkward(Wrapped):
    """A store that never reads out what was written, or does not delete it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.asked = asyncio.Event()
        self.may_delete = True
        self.writes_end = True

    async def put(
        self, key: str, body: bytes | memoryview, *, if_absent: bool = False, expires_in: float | None = None
    ) -> None:
        if not self.writes_end:
            await asyncio.Event().wait()
        await super().put(key, body, if_absent=if_absent, expires_in=expires_in)

    async def get(self, key: str, *, limit: int) -> bytes:
        if "probe" not in key or not self.may_delete:
            return await super().get(key, limit=limit)
        self.asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def delete(self, key: str) -> None:
        if not self.may_delete:
            raise StoreDeniedError("no", key=key)
        await super().delete(key)

    async def list(self, prefix: str, *, look: bool = False) -> Listing:
        return await super().list(prefix, look=look)


@pytest.fixture
async def awkward(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Awkward]:
    """What an examination gets for the store in `tmp_path`."""
    await publish(tmp_path.as_uri(), {})
    async with open_store(tmp_path.as_uri(), environment={}) as opened:
        store = Awkward(opened)

        @asynccontextmanager
        async def open_it(_url: str, **_settings: object) -> AsyncIterator[Store]:
            yield store

        monkeypatch.setattr(examination, "open_store", open_it)
        yield store


async def test_the_probe_is_deleted_when_the_checkup_is_cancelled(awkward: Awkward, tmp_path: Path) -> None:
    task = asyncio.create_task(examine(CheckupRequest(tmp_path.as_uri(), reach=HERE), environment={}))
    await awkward.asked.wait()
    assert [key.partition("-")[0] for key in await _swarm_objects(tmp_path.as_uri(), {})] == ["swarm/probe"]
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert await _swarm_objects(tmp_path.as_uri(), {}) == []


async def test_a_store_that_falls_silent_ends_the_check_and_the_probe_is_deleted(
    awkward: Awkward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "EACH", 1.0)
    checkup = await examine(CheckupRequest(tmp_path.as_uri(), reach=HERE), environment={})

    assert awkward.asked.is_set()
    assert found(checkup)[Check.WRITE].state is FAILED
    assert found(checkup)[Check.WRITE].message == "no end within 1 s"
    assert await _swarm_objects(tmp_path.as_uri(), {}) == []


async def test_a_write_that_does_not_end_is_told_of(
    awkward: Awkward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awkward.writes_end = False
    monkeypatch.setattr(bounded, "EACH", 0.1)
    monkeypatch.setattr(store_checks, "_CLEAN_UP", 0.1)
    checkup = await examine(CheckupRequest(tmp_path.as_uri(), reach=HERE), environment={})

    assert found(checkup)[Check.DELETE].state is WARNING
    assert "its write did not end, so it may still come" in found(checkup)[Check.DELETE].message


async def test_an_object_that_cannot_be_deleted_is_named(awkward: Awkward, tmp_path: Path) -> None:
    awkward.may_delete = False
    checkup = await examine(CheckupRequest(tmp_path.as_uri(), reach=HERE), environment={})
    (left,) = await _swarm_objects(tmp_path.as_uri(), {})

    assert found(checkup)[Check.WRITE].state is OK
    assert found(checkup)[Check.DELETE].state is WARNING
    assert found(checkup)[Check.DELETE].advice.startswith(f"delete {left}, and allow")
