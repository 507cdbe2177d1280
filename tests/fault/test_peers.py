"""Other hosts that vanish, stall, lie or were never there: the fetch goes on without them."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

import dcdist
from dcdist.engine.fetch_events import Trouble
from dcdist.engine.fetch_options import Prefer
from dcdist.formats import heartbeat, object_names
from dcdist.formats import index as index_format
from dcdist.model.identity import HostId
from dcdist.model.member import Member, Role
from dcdist.swarm import open_swarm
from tests.support.cached_layers import FileLayer, everything
from tests.support.fault_site import MIB
from tests.support.swarms import until
from tests.support.tcp_link import TcpLink
from tools.lab.bad_peers import babble, babbling_peer, deaf_ports, free_ports, silent_peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from dcdist.model.layer import Index
    from tests.support.fault_site import FaultSite, HostProcess

FROM_PEERS = ("--no-store", "--down-rate", "3MB", "--listen", "127.0.0.1:0")
SLOWLY = ("--no-store", "--down-rate", "1MB", "--listen", "127.0.0.1:0")
"""So that what is still missing outlasts some cuts, also where little else gets its turn."""


def listen(port: int) -> tuple[str, str]:
    """Options of a host that others reach at that port."""
    return ("--listen", f"127.0.0.1:{port}")


async def index_of(site: FaultSite) -> Index:
    """The index of the release's layer."""
    (entry,) = site.release.layers
    async with dcdist.open_store(site.url, environment=site.environment()) as store:
        data = await store.get(object_names.layer_index(entry.name), limit=index_format.INDEX_LIMIT)
    return index_format.decode(data, entry)


@asynccontextmanager
async def _seeder_behind_a_link(site: FaultSite) -> AsyncIterator[tuple[TcpLink, HostProcess]]:
    """A seeder that can be reached through a link alone, and a host that has begun to take from it."""
    (port,) = free_ports(1)
    async with TcpLink(port) as link, site.host("b", *listen(port), "--realm", "away", command="seed") as seeder:
        await seeder.says("seeding")
        async with site.host("a", *SLOWLY, "--peer", f"127.0.0.1:{link.port}") as host:
            await host.has(3 * MIB)
            yield link, host


def _has_more_than(link: TcpLink, connections: int, host: HostProcess) -> bool:
    assert host.process.returncode is None, host.said()
    return link.connections > connections


async def leave_heartbeats(site: FaultSite, *names: str) -> None:
    """Put heartbeats into the store as others would."""
    async with dcdist.open_store(site.url, environment=site.environment()) as store:
        for name in names:
            await store.put(object_names.swarm_prefix("web", "default") + name, b"")


def drawers_at(ports: list[int]) -> list[str]:
    """Heartbeats of hosts at these ports of 127.0.0.1, which need the layer and share in drawing it."""
    return [
        heartbeat.name(Member(HostId(f"{number:02x}" * 16), 0, Role.DRAWER, "127.0.0.1", port, "1", 1))
        for number, port in enumerate(ports)
    ]


async def test_when_the_only_peer_vanishes_the_store_gives_the_rest(site: FaultSite) -> None:
    async with site.host("b", *listen(0), command="seed") as seeder:
        await seeder.says("seeding")
        async with site.host("a", "--store-rate", "1MB", "--down-rate", "3MB", *listen(0)) as host:
            await host.has(3 * MIB)
            seeder.process.kill()
            done = await host.succeeded()

    assert site.is_right()
    assert done["bytes"]["peers"] > MIB


async def test_when_the_only_peer_stands_still_the_store_gives_the_rest(site: FaultSite) -> None:
    async with site.host("b", *listen(0), command="seed") as seeder:
        await seeder.says("seeding")
        async with site.host("a", "--store-rate", "1MB", "--down-rate", "3MB", *listen(0)) as host:
            await host.has(3 * MIB)
            os.kill(seeder.process.pid, signal.SIGSTOP)
            try:
                await host.succeeded()
            finally:
                os.kill(seeder.process.pid, signal.SIGCONT)

    assert site.is_right()


async def test_a_peer_that_comes_back_at_another_address_is_found_there(site: FaultSite) -> None:
    async with site.host("b", *listen(0), command="seed") as seeder:
        await seeder.says("seeding")
        async with site.host("a", *FROM_PEERS) as host:
            await host.has(3 * MIB)
            seeder.process.kill()
            await seeder.done()
            async with site.host("b", *listen(0), command="seed"):
                await host.succeeded()

    assert site.is_right()


async def test_a_partition_that_heals_is_noticed_at_once(site: FaultSite) -> None:
    """Not after the minute that libtorrent waits by itself when it takes a link for one of two."""
    async with _seeder_behind_a_link(site) as (link, host):
        for _ in range(3):
            before = link.connections
            await link.cut()
            await link.mend()
            await until(partial(_has_more_than, link, before, host))
        await host.succeeded()

    assert site.is_right()


async def test_a_link_that_is_half_open_is_given_up_and_made_anew(site: FaultSite) -> None:
    async with _seeder_behind_a_link(site) as (link, host):
        before = link.connections
        link.freeze()
        await until(lambda: link.connections > before or link.waiting > 0)
        await link.mend()
        await host.succeeded()

    assert site.is_right()


async def test_a_peer_that_offers_everything_and_gives_nothing_is_not_waited_for(site: FaultSite) -> None:
    index = await index_of(site)
    async with silent_peer(index.geometry.piece_count) as peer:
        trading = site.trading("a", peers=(("127.0.0.1", peer.port),), store_rate=3e6)
        fetched = await site.fetch(options=trading)

    assert site.is_right()
    assert peer.requests > 0
    assert fetched.bytes.store == site.release.layer_bytes


async def test_a_peer_that_talks_nonsense_harms_nothing(site: FaultSite) -> None:
    (port,) = free_ports(1)
    async with babbling_peer() as peer, site.host("b", *listen(port), command="seed") as seeder:
        await seeder.says("seeding")
        await babble(port, 50)
        async with site.host("a", *FROM_PEERS, "--peer", f"127.0.0.1:{peer.port}") as host:
            await host.until(lambda record: record.get("peers") == 1)
            await babble(port, 50)
            await host.succeeded()

    assert site.is_right()
    assert peer.connections > 0


async def test_a_peer_that_lies_is_named_and_asked_no_more_and_nothing_of_it_is_kept(
    site: FaultSite, tmp_path: Path
) -> None:
    index = await index_of(site)
    lies = tmp_path / "lies"
    lies.write_bytes(bytes(index.geometry.length))
    async with open_swarm(("127.0.0.1", 0)) as liar:
        await liar.add(FileLayer(index, lies, everything(index)))
        trading = site.trading("a", peers=(("127.0.0.1", liar.port),), store_rate=3e6)
        await site.fetch(options=trading)

    assert site.is_right()
    wrong, banned = site.troubles(Trouble.CORRUPT), site.troubles(Trouble.BANNED)
    assert wrong
    assert banned
    # Its ports differ: it connects again from others.
    assert {trouble.source.rpartition(":")[0] for trouble in (*wrong, *banned)} == {"127.0.0.1"}


@pytest.mark.parametrize("prefer", list(Prefer))
async def test_a_piece_that_a_peer_gives_wrong_again_and_again_comes_from_the_store(
    site: FaultSite, tmp_path: Path, prefer: Prefer
) -> None:
    """The peer is cut off and comes back from another port each time, and nobody else has the piece."""
    index = await index_of(site)
    lies, length = tmp_path / "lies", index.geometry.piece_length
    lies.write_bytes(await _layer_with_a_wrong_piece(site, index, 5))
    (port,) = free_ports(1)
    async with open_swarm(("127.0.0.1", 0)) as liar:
        await liar.add(FileLayer(index, lies, everything(index)))
        liar.connect("127.0.0.1", port)
        trading = site.trading("a", listen=("127.0.0.1", port), prefer=prefer)
        task = asyncio.create_task(site.fetch(options=replace(trading, draw=False)))
        await until(lambda: site.came() == index.geometry.length - length)
        task.cancel()
        await asyncio.wait([task])
        fetched = await site.fetch(options=trading)

    assert site.is_right()
    assert fetched.bytes.store == length
    assert {trouble.source.rpartition(":")[0] for trouble in site.troubles(Trouble.CORRUPT)} == {"127.0.0.1"}


async def _layer_with_a_wrong_piece(site: FaultSite, index: Index, piece: int) -> bytes:
    async with dcdist.open_store(site.url, environment=site.environment()) as store:
        data = bytearray(await store.get(object_names.layer_segment(index.layer, 0), limit=64 * MIB))
    data[piece * index.geometry.piece_length + 7] ^= 1
    return bytes(data)


async def test_hosts_that_are_gone_but_still_listed_hold_nobody_up(site: FaultSite) -> None:
    """Two hundred of them, who seem to share the work."""
    await leave_heartbeats(site, *drawers_at(free_ports(200)))
    fetched = await site.fetch(options=site.trading("a"))

    assert site.is_right()
    assert fetched.bytes.store == site.release.layer_bytes


async def test_hosts_that_are_all_out_of_reach_hold_nobody_up(site: FaultSite) -> None:
    """Nothing refuses a connection, and none is ever made."""
    with deaf_ports(20) as ports:
        await leave_heartbeats(site, *drawers_at(ports))
        fetched = await site.fetch(options=site.trading("a", peers=tuple(("127.0.0.1", port) for port in ports)))

    assert site.is_right()
    assert fetched.bytes.store == site.release.layer_bytes
    assert fetched.peers_seen == 0


async def test_heartbeats_of_hostile_names_and_of_other_versions_are_passed_over(site: FaultSite) -> None:
    (port,) = free_ports(1)
    honest = heartbeat.name(Member(HostId("ab" * 16), 0, Role.DRAWER, "127.0.0.1", port, "1", 1))
    other = heartbeat.name(Member(HostId("cd" * 16), 0, Role.SEEDER, "127.0.0.1", port, "0.9", 0))
    await leave_heartbeats(
        site, honest.replace(",d,", ",x,"), honest + ",", honest.replace("7f000001", "ffffffff"), "0" * 300,
        "x,0,d,7f000001,1,1,1", honest.upper(), honest.replace(f",{port},", ",0,"), other,
    )  # fmt: skip
    async with site.host("b", *listen(0), command="seed") as seeder:
        await seeder.says("seeding")
        async with site.host("a", *FROM_PEERS) as host:
            await host.succeeded()

    assert site.is_right()


async def test_a_host_of_another_version_gives_the_layers_that_both_need(site: FaultSite) -> None:
    """It seeds version 1; version 2 is the same image and one more."""
    async with site.host("b", *listen(0), command="seed") as seeder:
        await seeder.says("seeding")
        await site.publish_more("web@2")
        options = replace(site.trading("a"), draw=False)
        async with site.store("a") as store:
            release = await dcdist.find_release(store, "web@2", trust=[site.key])
            fetched = await dcdist.fetch(store, release, replace(options, images=("web.img",)), report=print)

    assert site.is_right()
    assert fetched.bytes.store == 0
