"""Tries what a fetch asks of a store, in the order in which one thing needs the other.

Invariant: the one object that it writes is deleted before it ends, however it ends; if it may stay, people hear of it.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from dcdist.catalog.description import list_releases
from dcdist.catalog.releases import read_named
from dcdist.checkup.findings import release_findings, store_findings
from dcdist.checkup.findings.finding import Check, FindingState, ok, skipped
from dcdist.checkup.findings.store_findings import ProbeSeen, RangeSeen
from dcdist.checkup.member_checks import check_members
from dcdist.checkup.server_checks import check_certificates, check_proxies
from dcdist.errors import IntegrityError, ObjectMissingError, StoreDeniedError, StoreError
from dcdist.formats import object_names
from dcdist.model.geometry import MIB
from dcdist.store.servers import first_route, route_to, sign_in
from dcdist.tasks import task_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcdist.checkup.bounded import BoundedChecks
    from dcdist.checkup.checkup_request import CheckupRequest
    from dcdist.checkup.findings.finding import Finding
    from dcdist.model.identity import ReleaseName
    from dcdist.model.release import Release
    from dcdist.ports.store import Store
    from dcdist.store.servers import ServerRoute

STALL = 5.0
"""Seconds without a byte after which a request of a check has failed."""

_BODY = b"dcdist looks whether heartbeats can be written; this object may be deleted\n"
_KEPT = 60.0
"""Seconds after which the store may delete the probe by itself."""
_CLEAN_UP = 3.0
"""Seconds that the end of a check waits for a write that is under way, and again for the deletion."""
_LETTING_GO = 0.5
"""Seconds that a write which was cancelled has for its end."""
_RANGE = 8 * MIB
_READ_SECONDS = 3.0


class StoreChecks:
    """What one store can do for this host."""

    def __init__(
        self,
        store: Store,
        request: CheckupRequest,
        environment: Mapping[str, str],
        releases: asyncio.Future[tuple[Release, ...]],
    ) -> None:
        """`releases` gets what a fetch would take of each demo, as soon as that is known; it is empty if it is not."""
        self._store = store
        self._request = request
        self._environment = environment
        self._releases = releases
        self._has_peers = bool(request.reach.peers)
        self._routes: list[ServerRoute] = []
        self._left: tuple[str, str] | None = None
        self._seen: ProbeSeen | None = None

    async def run(self, checks: BoundedChecks) -> None:
        """Examine everything; a check that another one's failure makes pointless is skipped, with that reason."""
        try:
            if route := first_route(self._request.store, self._environment):
                self._routes.append(route)
            is_in = (await checks.examine(Check.SIGN_IN, self._sign_in)).state is not FindingState.FAILED
            checks.note(check_proxies(self._routes))
            async with task_group() as group:
                group.create_task(checks.examine(Check.TLS, partial(check_certificates, self._routes)))
                group.create_task(self._look_inside(checks, "" if is_in else "no sign-in"))
        finally:
            if not self._releases.done():
                self._releases.set_result(())

    async def _look_inside(self, checks: BoundedChecks, obstacle: str) -> None:
        if not obstacle and (await checks.examine(Check.STORE, self._answer)).state is FindingState.FAILED:
            obstacle = "the store cannot be used"
        elif obstacle:
            checks.note(skipped(Check.STORE, obstacle))
        if obstacle:
            for check in (Check.LIST, Check.WRITE, Check.DELETE, Check.CLOCK, *_AFTER_LIST):
                checks.note(skipped(check, obstacle))
            return
        async with task_group() as group:
            group.create_task(self._write_and_look(checks))
            group.create_task(self._list_and_read(checks))

    async def _write_and_look(self, checks: BoundedChecks) -> None:
        written = await checks.examine(Check.WRITE, self._write)
        if self._left is not None:
            checks.note(store_findings.of_no_deleting(*self._left))
        elif written.state is FindingState.OK:
            checks.note(ok(Check.DELETE, "the object was deleted"))
        else:
            checks.note(skipped(Check.DELETE, "nothing was written"))
        if self._seen is not None:
            checks.note(store_findings.of_clock(self._seen))
        else:
            checks.note(skipped(Check.CLOCK, "nothing was written and listed"))

    async def _list_and_read(self, checks: BoundedChecks) -> None:
        listed = await checks.examine(Check.LIST, self._list)
        is_listable, name = listed.state is FindingState.OK, self._request.release
        async with task_group() as group:
            if is_listable:
                group.create_task(checks.examine(Check.MEMBERS, partial(check_members, self._store, self._request)))
            else:
                checks.note(skipped(Check.MEMBERS, _NO_LIST))
            if name is None and not is_listable:
                for check in (Check.RELEASES, Check.READ):
                    checks.note(skipped(check, _NO_LIST, "name a release: --demo DEMO@VERSION"))
                return
            look = self._look_for_releases if name is None else partial(self._look_for, name)
            await checks.examine(Check.RELEASES, look)
            await checks.examine(Check.READ, self._read)

    async def _sign_in(self) -> Finding:
        if not self._request.store.startswith("swift:"):
            return ok(Check.SIGN_IN, "none: this store needs no sign-in")
        account = await sign_in(self._request.store, self._environment, stall=STALL)
        route = route_to(account, self._environment, credentials=True)
        self._routes.append(route)
        user = self._environment["ST_USER"]
        return ok(Check.SIGN_IN, f"{self._routes[0].url} accepts ST_USER={user}; its storage is {route.url}")

    async def _answer(self) -> Finding:
        exists = await self._exists()
        begun = time.monotonic()
        if exists:
            await self._exists()  # with a connection that is open, as most requests of a fetch
        seconds = time.monotonic() - begun
        is_web_server = not self._store.capabilities.listable
        return store_findings.of_answer(str(self._store), exists, seconds, is_web_server=is_web_server)

    async def _exists(self) -> bool:
        if self._store.capabilities.listable:
            return await self._store.exists()
        with suppress(ObjectMissingError):  # that is an answer
            await self._store.get(object_names.swarm_probe("none"), limit=MIB)
        return True

    async def _list(self) -> Finding:
        begun = time.monotonic()
        try:
            listing = await self._store.list(object_names.releases_prefix(self._request.demo))
        except StoreDeniedError as error:
            names_release = self._request.release is not None
            return store_findings.of_no_listing(str(error), has_peers=self._has_peers, names_release=names_release)
        return store_findings.of_listing(len(listing.entries), time.monotonic() - begun)

    async def _write(self) -> Finding:
        """Write an object where heartbeats are, read it, list it; delete it in any case."""
        if not self._store.capabilities.writable:
            reason = f"{self._store} is read-only"
            return store_findings.of_no_writing(reason, has_peers=self._has_peers)
        key = object_names.swarm_probe(secrets.token_hex(8))
        # Never cancelled: a write that goes on unseen could end after the deletion.
        writing = asyncio.ensure_future(self._store.put(key, _BODY, expires_in=_KEPT))
        try:
            await asyncio.shield(writing)
            if await self._store.get(key, limit=MIB) != _BODY:
                raise IntegrityError(f"{self._store}: {key} was read with other bytes than were written")
            with suppress(StoreDeniedError):  # that it cannot be listed is another finding
                listing = await self._store.list(key)
                modified = next((entry.modified for entry in listing.entries), None)
                self._seen = ProbeSeen(listing.now, modified, time.time_ns() / 1e9)
                return store_findings.of_writing(self._seen)
            return ok(Check.WRITE, "an object under swarm/ was written and read back")
        except StoreDeniedError as error:
            return store_findings.of_no_writing(str(error), has_peers=self._has_peers)
        finally:
            await self._delete(key, writing)

    async def _delete(self, key: str, writing: asyncio.Future[None]) -> None:
        await asyncio.wait([writing], timeout=_CLEAN_UP)
        ended = writing.done()
        if not ended:
            writing.cancel()
            await asyncio.wait([writing], timeout=_LETTING_GO)
        elif isinstance(writing.exception(), StoreDeniedError):
            return
        try:
            async with asyncio.timeout(_CLEAN_UP):
                await self._store.delete(key)
        except (StoreError, TimeoutError) as error:
            self._left = (key, str(error) or "no answer in time")
        else:
            if not ended:  # what the server, or the file system, has been given may still land
                self._left = (key, "its write did not end, so it may still come")

    async def _look_for_releases(self) -> Finding:
        demo, trust = self._request.demo, self._request.trust
        found = await list_releases(self._store, demo, trust=trust, line=self._request.line)
        self._releases.set_result(release_findings.newest(found))
        return release_findings.of_releases(found, demo=demo, line=self._request.line, has_keys=bool(trust))

    async def _look_for(self, name: ReleaseName) -> Finding:
        keys = self._request.trust
        try:
            release, signed = await read_named(self._store, name, trusted=keys)
        except ObjectMissingError:
            return release_findings.no_such(name)
        self._releases.set_result((release,))
        return release_findings.of_named(release, signed=signed, has_keys=bool(keys))

    async def _read(self) -> Finding:
        """Read from near the beginning of a layer for a while: the whole object would not prove that ranges work."""
        releases = self._releases.result() if self._releases.done() else ()
        layer = next((layer for release in releases for layer in release.layers), None)
        if layer is None:
            return store_findings.nothing_to_read()
        key, start = object_names.layer_segment(layer.name, 0), min(1, layer.length - 1)
        length = min(_RANGE, layer.length - start)
        begun, count = time.monotonic(), 0
        async with self._store.read(key, start=start, length=length) as parts:
            async for part in parts:
                count += len(part)
                if time.monotonic() - begun > _READ_SECONDS:
                    break
        return store_findings.of_range(RangeSeen(key, count, time.monotonic() - begun))


_NO_LIST = "the store cannot be listed"
_AFTER_LIST = (Check.MEMBERS, Check.RELEASES, Check.READ)
