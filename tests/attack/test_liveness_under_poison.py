"""Hundreds of heartbeats in the store, of hosts that are not there or give rubbish: they hold nobody up.

What is measured is the planner's own clock in its trace, and never more than half a second between two lines of it, in
which it is asked: a machine that is busy makes no silence.
"""

from __future__ import annotations

import json
import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.engine.fetch_options import Prefer
from dcdist.formats import heartbeat, object_names
from dcdist.formats import index as index_format
from dcdist.model.identity import HostId
from dcdist.model.member import Member, Role
from tests.support.fault_site import publish_site
from tests.support.publishing import noise
from tools.lab.bad_peers import free_ports, poisoning_peer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fault_site import FaultSite, Record
    from tools.lab.swift import Swift

HEARTBEATS = 400
IMAGE = noise(5, 40_000_000)
"""So much that liars are cut off before they have given each of its pieces wrong twice."""

BORNE = 2.0
"""Seconds that are borne where peers lie, or most are not there; what a stripe takes comes on top."""

EACH = pytest.mark.parametrize("prefer", list(Prefer))


@pytest.fixture
async def site(swift: Swift, container: str, tmp_path: Path) -> FaultSite:
    """A release that takes five seconds at the pace of these tests."""
    return await publish_site(swift, container, tmp_path, IMAGE)


@EACH
async def test_peers_that_offer_everything_and_give_rubbish_cost_seconds(
    site: FaultSite, tmp_path: Path, prefer: Prefer
) -> None:
    pieces = await _piece_count(site)
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(poisoning_peer(pieces)) for _ in range(HEARTBEATS)]
        await _leave_heartbeats(site, [peer.port for peer in peers])
        trace = await _fetch(site, tmp_path, prefer)

    assert sum(peer.requests > 0 for peer in peers) > 8
    assert trace.unasked <= BORNE + trace.slowest + 1.0


@EACH
async def test_hosts_that_are_listed_and_not_there_cost_seconds(
    site: FaultSite, tmp_path: Path, prefer: Prefer
) -> None:
    await _leave_heartbeats(site, free_ports(HEARTBEATS))
    trace = await _fetch(site, tmp_path, prefer)

    assert trace.unasked <= BORNE + trace.slowest + 1.0


async def _fetch(site: FaultSite, folder: Path, prefer: Prefer) -> _Trace:
    trace = folder / "trace"
    options = ("--prefer", prefer.value, "--store-rate", "8MB", "--listen", "127.0.0.1:0", "--trace", trace)
    async with site.host("a", *options) as host:
        done = await host.succeeded()

    assert site.is_right()
    assert done["bytes"]["store"] == site.release.layer_bytes
    return _Trace.of(trace)


async def _piece_count(site: FaultSite) -> int:
    (entry,) = site.release.layers
    async with dcdist.open_store(site.url, environment=site.environment()) as store:
        data = await store.get(object_names.layer_index(entry.name), limit=index_format.INDEX_LIMIT)
    return index_format.decode(data, entry).geometry.piece_count


async def _leave_heartbeats(site: FaultSite, ports: list[int]) -> None:
    """Of drawers whose ids are spread like those of real hosts."""
    chance = random.Random(7)
    async with dcdist.open_store(site.url, environment=site.environment()) as store:
        for port in ports:
            member = Member(HostId(f"{chance.getrandbits(128):032x}"), 0, Role.DRAWER, "127.0.0.1", port, "1", 1)
            await store.put(object_names.swarm_prefix("web", "default") + heartbeat.name(member), b"")


@dataclass
class _Trace:
    """`unasked`: seconds in which nothing was asked of the store, in all; `slowest`: those of the longest request."""

    unasked: float = 0.0
    slowest: float = 1.0

    @classmethod
    def of(cls, path: Path) -> _Trace:
        """Read a trace."""
        found, begun, at = cls(), dict[int, float](), None
        for line in path.read_text().splitlines():
            entry: Record = json.loads(line)
            if "at" not in entry:
                continue
            if at is not None and not begun:
                found.unasked += min(0.5, entry["at"] - at)
            at = entry["at"]
            for command in entry.get("commands", ()):
                if command["is"] == "Draw":
                    begun[command["number"]] = at
            event = entry.get("event", {})
            if event.get("is") in {"DrawFinished", "DrawFailed", "DrawNeedless"}:
                found.slowest = max(found.slowest, at - begun.pop(event["draw"]))
        return found
