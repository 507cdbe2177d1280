"""A hostile peer knows a layer and has a link: whom the host dials then, whom it still serves, what libtorrent offers.

What libtorrent switches on by itself is in tables here and tried from the peer's side: look at them after each upgrade.
"""

from __future__ import annotations

import asyncio
import random
import resource
import socket
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import libtorrent as lt
import pytest

from dcdist.model.geometry import MIB
from dcdist.model.identity import HostId
from dcdist.ports.swarm import AddressRefused
from dcdist.swarm import TorrentSwarm, admission, open_swarm
from dcdist.swarm.settings import peer_id_of
from dcdist.swarm.torrent import FLAGS
from tests.support.cached_layers import everything, file_layer
from tests.support.layers import sample_layer
from tests.support.swarms import finished, until
from tests.support.wire import (
    ALLOWED_FAST,
    DHT_PORT,
    HAVE,
    HAVE_ALL,
    INTERESTED,
    PROTOCOL,
    REJECT,
    REQUEST,
    SUGGEST,
    Attacker,
    WirePeer,
    bencoded,
    extended,
    hello,
    holepunch,
    info_hash,
    listeners,
    message,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from dcdist.model.identity import Address

SAMPLE = sample_layer(4 * MIB + 1000)
ALL = everything(SAMPLE.index)

HERE, ATTACKER, ELSEWHERE, MEMBER, HONEST = "127.0.0.1", "127.0.0.66", "127.0.0.9", "127.0.0.33", "127.0.0.7"
PORT = 21510

STATES = pytest.mark.parametrize("have", [0, ALL], ids=["downloading", "seeding"])


@dataclass
class Site:
    """A host with one layer, somebody hostile, and a folder for others."""

    swarm: TorrentSwarm
    attacker: Attacker
    folder: Path

    async def hostile(self, **more: object) -> tuple[WirePeer, int]:
        """A hostile peer with a link, and the number by which it can ask for dials."""
        peer = await self.attacker.link(ATTACKER)
        await peer.say(hello(**more))
        return peer, (await peer.offers())["ut_holepunch"]

    async def dials_a_member(self) -> None:
        """Wait until the host has dialled one that is wanted and hangs up four times: what was due before, is done."""
        port = random.randrange(40_000, 60_000)
        async with listeners([(MEMBER, port)]) as came:
            self.swarm.connect(MEMBER, port)
            await until(lambda: len(came) >= 4)
        self.swarm.forget(MEMBER, port)

    async def serves_others(self) -> None:
        """Have an honest host fetch all from here; nobody has told this host of it."""
        async with open_swarm((HONEST, 0)) as taker:
            await taker.add(file_layer(self.folder / "taker", SAMPLE))
            taker.connect(HERE, self.swarm.port)
            await finished(taker, ALL)

    async def refuses(self) -> AddressRefused:
        """The next event of the host, which says that an address is refused."""
        event = (await self.swarm.events())[0]
        assert isinstance(event, AddressRefused)
        return event


@asynccontextmanager
async def site(folder: Path, have: int) -> AsyncIterator[Site]:
    """A host that has some pieces, and an attacker who knows the layer."""
    layer = file_layer(folder / "host", SAMPLE, have=have)
    async with open_swarm((HERE, 0)) as swarm, Attacker((HERE, swarm.port), info_hash(layer)) as attacker:
        await swarm.add(layer)
        yield Site(swarm, attacker, folder)


# Whom a host dials


@STATES
async def test_no_message_of_a_peer_makes_a_host_dial_another_address(have: int, tmp_path: Path) -> None:
    places: list[Address] = [(ELSEWHERE, PORT), (ELSEWHERE, 22), ("::1", PORT)]
    elsewhere = bytes([127, 0, 0, 9])
    async with site(tmp_path, have) as here, listeners(places) as came:
        peer, number = await here.hostile(yourip=elsewhere, ipv4=elsewhere)
        await peer.say(*[holepunch(number, place) for place in [*places, ("::ffff:127.0.0.9", PORT)] * 20])
        await here.dials_a_member()
        peer.leave()
        await here.dials_a_member()
        assert came == []


@STATES
async def test_a_port_that_a_peer_says_is_its_own_is_not_dialled_when_it_left(have: int, tmp_path: Path) -> None:
    async with site(tmp_path, have) as here, listeners([(ATTACKER, PORT), (ATTACKER, 22)]) as came:
        for port in (PORT, 22):
            peer, _ = await here.hostile(p=port)
            peer.leave()
            await here.dials_a_member()
        assert came == []


@STATES
async def test_ports_of_a_member_that_a_peer_names_are_dialled_seldom_and_those_of_the_system_never(
    have: int, tmp_path: Path
) -> None:
    ports = range(30_000, 30_600)
    async with site(tmp_path, have) as here, listeners([(MEMBER, port) for port in (22, 1023, *ports)]) as came:
        here.swarm.connect(MEMBER, 29_999)
        peer, number = await here.hostile()
        # 5,000 messages: without a bound, as many dials at once, and 500 a second from then on.
        await peer.say(*[holepunch(number, (MEMBER, port)) for port in (22, 1023, *ports)] * 8)
        await until(lambda: len(came) >= 64)
        await here.dials_a_member()
        assert {port for _, port in came} <= set(ports)
        assert len(set(came)) < 400


# Whom a host serves


async def test_600_links_of_one_address_are_cut_and_others_are_served(tmp_path: Path) -> None:
    async with site(tmp_path, ALL) as here:
        await here.attacker.links(ATTACKER, 600)
        event = await here.refuses()
        assert event.address == ATTACKER
        assert event.links > 96
        await asyncio.gather(*(peer.closed() for peer in here.attacker.peers))
        await here.serves_others()


async def test_links_of_many_addresses_are_bounded_together_and_others_are_served(tmp_path: Path) -> None:
    async with site(tmp_path, ALL) as here:
        for number in range(10):
            await here.attacker.links(f"127.0.1.{number}", 40)
        assert (await here.refuses()).address.startswith("127.0.1.")
        await here.serves_others()


async def test_when_there_is_no_room_for_guests_it_is_said_and_hosts_that_are_wanted_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "GUESTS", 5)
    async with site(tmp_path, ALL) as here, open_swarm((HONEST, 0)) as taker:
        for number in range(5):
            await here.attacker.link(f"127.0.1.{number}")
        late = await here.attacker.dial("127.0.1.99")
        await late.closed()
        assert await here.refuses() == AddressRefused("127.0.1.99")
        await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        here.swarm.connect(HONEST, taker.port)
        await finished(taker, ALL)


async def test_who_shows_the_id_of_a_member_does_not_keep_its_link(tmp_path: Path) -> None:
    member = HostId("f" * 32)  # higher than ours, so libtorrent would let whoever dials with this id have the link
    async with open_swarm((HERE, 0), host=HostId("7" * 32)) as swarm, open_swarm((HONEST, 0), host=member) as giver:
        layer = file_layer(tmp_path / "host", SAMPLE)
        await swarm.add(layer)
        await giver.add(file_layer(tmp_path / "giver", SAMPLE, have=ALL))
        async with Attacker((HERE, swarm.port), info_hash(layer), peer_id=peer_id_of(member)) as attacker:
            await attacker.link(ATTACKER)
            # The member does not dial: without a bound it would be refused for as long as the other stays.
            swarm.connect(HONEST, giver.port)
            swarm.contact(member, HONEST, giver.port)
            assert list(await swarm.events()) == [AddressRefused(ATTACKER, poses_as=HONEST)]
            await finished(swarm, ALL)


async def test_connections_that_say_nothing_keep_nobody_out(tmp_path: Path) -> None:
    async with site(tmp_path, ALL) as here:
        await here.attacker.link(ATTACKER)
        idle = await asyncio.gather(*(here.attacker.dial(ATTACKER) for _ in range(300)))
        for peer in idle[:150]:
            await peer.say(PROTOCOL[:7])
        await here.serves_others()


# What libtorrent has switched on


def test_every_flag_of_a_torrent_is_decided_upon() -> None:
    known = {name for name in dir(lt.torrent_flags) if not name.startswith("_")} - {"default_flags"}
    assert known == set(FLAGS)
    assert {name for name, is_on in FLAGS.items() if is_on} == {
        "apply_ip_filter", "disable_dht", "disable_lsd", "disable_pex", "duplicate_is_error", "no_verify_files",
    }  # fmt: skip


EXTENSIONS = {"lt_donthave", "upload_only", "ut_holepunch"}
"""What a host offers in its extended handshake (BEP 10): libtorrent's own choice, which no setting changes.

The tests here try each. `smart_ban`, which says nothing on the wire, bans those who gave wrong blocks."""


@STATES
async def test_no_other_extension_is_offered_than_those_that_are_tried(have: int, tmp_path: Path) -> None:
    async with site(tmp_path, have) as here:
        peer = await here.attacker.link(ATTACKER)
        await peer.say(hello())
        assert set(await peer.offers()) == EXTENSIONS


@STATES
async def test_a_message_of_an_extension_that_is_not_offered_ends_the_link(have: int, tmp_path: Path) -> None:
    peers = bytes([127, 0, 0, 9, PORT >> 8, PORT & 255])
    async with site(tmp_path, have) as here:
        peer = await here.attacker.link(ATTACKER)
        offered = set((await peer.offers()).values())
        for number in sorted(set(range(1, 12)) - offered):
            peer, _ = await here.hostile()
            await peer.say(extended(number, bencoded({"added": peers, "msg_type": 0, "piece": 0})))
            await peer.closed()


PIECES = [piece.to_bytes(4) for piece in range(9)]
ODD = {
    "huge numbers": [hello(reqq=(1 << 63) - 1, p=(1 << 63) - 1, metadata_size=1 << 40, complete_ago=1 << 62)],
    "negative numbers": [hello(reqq=-1, p=-1, metadata_size=-1, complete_ago=-5, upload_only=-1)],
    "other types": [hello(reqq=b"x", p=[1], v=7, yourip=b"123456789", m=3)],
    "no dictionary": [extended(0, b"i5e"), extended(0, b""), extended(0, b"d1:m" + b"d" * 500)],
    "a thousand handshakes": [hello(p=PORT)] * 1000,
    "that it only gives, and shares": [hello(share_mode=1, upload_only=1), extended(3, b"\1"), extended(2, b"\1")],
    "a port of a DHT": [message(DHT_PORT, PORT.to_bytes(2))] * 100,
    "hints": [message(kind, piece) for kind in (SUGGEST, ALLOWED_FAST, HAVE) for piece in PIECES] * 500,
    "rejects": [message(REJECT, struct.pack(">III", 0, 0, 16_384))] * 5000,
    "that it has lost what it had": [message(HAVE_ALL), *[extended(7, piece) for piece in PIECES] * 500],
    "requests for everything": [message(INTERESTED), *[message(REQUEST, struct.pack(">III", 1, 0, 16_384))] * 10_000],
}
"""What dcdist never says, by what it is."""


@STATES
@pytest.mark.parametrize("words", ODD)
async def test_whatever_peers_say_others_are_served_and_nobody_else_is_asked(
    words: str, have: int, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dht:
        dht.bind((ATTACKER, PORT))
        dht.setblocking(False)
        async with site(tmp_path, have) as here, open_swarm((HONEST, 0)) as other:
            before = resident()
            peers = [(await here.hostile())[0] for _ in range(4)]
            await asyncio.gather(*(_say(peer, ODD[words]) for peer in peers))
            await other.add(file_layer(tmp_path / "other", SAMPLE, have=ALL & ~have))
            other.connect(HERE, here.swarm.port)
            await finished(other if have else here.swarm, ALL)
            assert resident() - before < 100 * MIB
        with pytest.raises(BlockingIOError):
            dht.recv(1)


async def _say(peer: WirePeer, messages: list[bytes]) -> None:
    """Send all of it and read nothing, unless the host hangs up or does not take it all."""
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(2):
            await peer.say(*messages)


def resident() -> int:
    """Bytes of memory that this process, and so the session, holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
