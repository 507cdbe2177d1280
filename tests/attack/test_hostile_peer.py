"""A hostile peer knows a layer and has a link: whom the host dials then, whom it still serves, what libtorrent offers.

What libtorrent switches on by itself is in tables here and tried from the peer's side: look at them after each upgrade.
"""

from __future__ import annotations

import asyncio
import random
import resource
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import libtorrent as lt
import pytest

from dcdist.model.geometry import MIB
from dcdist.ports.swarm import AddressRefused
from dcdist.swarm import admission, open_swarm
from dcdist.swarm.torrent import FLAGS
from tests.support.cached_layers import everything, file_layer
from tests.support.layers import sample_layer
from tests.support.swarms import finished, until
from tests.support.wire import (
    ALLOWED_FAST,
    HAVE,
    HAVE_ALL,
    INTERESTED,
    DHT_PORT,
    PROTOCOL,
    REJECT,
    REQUEST,
    RESERVED,
    SUGGEST,
    WirePeer,
    dial,
    extended,
    hello,
    message,
    holepunch,
    info_hash,
    listeners,
    shake_hands,
)

if TYPE_CHECKING:
    from dcdist.model.identity import Address
    from dcdist.swarm import TorrentSwarm

SAMPLE = sample_layer(4 * MIB + 1000)
ALL = everything(SAMPLE.index)

ATTACKER, ELSEWHERE, MEMBER = "127.0.0.66", "127.0.0.9", "127.0.0.33"
PORT = 21510

STATES = pytest.mark.parametrize("have", [0, ALL], ids=["downloading", "seeding"])


async def hostile(
    swarm: TorrentSwarm, digest: bytes, *, source: str = ATTACKER, **more: object
) -> tuple[WirePeer, int]:
    """A hostile peer with a link, and the number by which it can ask for dials."""
    peer = await shake_hands(("127.0.0.1", swarm.port), digest, source=source)
    await peer.say(hello(**more))
    return peer, (await peer.offers())["ut_holepunch"]


async def dialled_meanwhile(swarm: TorrentSwarm, came: list[Address]) -> list[Address]:
    """Whom the host dialled by the time that it has dialled a host that is wanted, and which hangs up, four times."""
    port = random.randrange(40_000, 60_000)
    async with listeners([(MEMBER, port)]) as wanted:
        swarm.connect(MEMBER, port)
        await until(lambda: len(wanted) >= 4)
    swarm.forget(MEMBER, port)
    return came


@STATES
async def test_no_message_of_a_peer_makes_a_host_dial_another_address(have: int, tmp_path: Path) -> None:
    layer = file_layer(tmp_path, SAMPLE, have=have)
    places = [(ELSEWHERE, PORT), (ELSEWHERE, 22), ("::1", PORT)]
    async with open_swarm(("127.0.0.1", 0)) as swarm, listeners(places) as came:
        await swarm.add(layer)
        peer, number = await hostile(swarm, info_hash(layer), yourip=bytes([127, 0, 0, 9]), ipv4=bytes([127, 0, 0, 9]))
        await peer.say(*[holepunch(number, place) for place in [*places, ("::ffff:127.0.0.9", PORT)] * 20])
        assert await dialled_meanwhile(swarm, came) == []
        peer.leave()
        assert await dialled_meanwhile(swarm, came) == []


@STATES
async def test_a_port_at_which_a_peer_says_that_it_listens_is_not_dialled_when_it_left(
    have: int, tmp_path: Path
) -> None:
    layer = file_layer(tmp_path, SAMPLE, have=have)
    async with open_swarm(("127.0.0.1", 0)) as swarm, listeners([(ATTACKER, PORT), (ATTACKER, 22)]) as came:
        await swarm.add(layer)
        for port in (PORT, 22):
            peer, _ = await hostile(swarm, info_hash(layer), p=port)
            peer.leave()
            await until(lambda: swarm.statistics().peers == 0)
        assert await dialled_meanwhile(swarm, came) == []


@STATES
async def test_ports_of_a_member_that_a_peer_names_are_dialled_seldom_and_those_of_the_system_never(
    have: int, tmp_path: Path
) -> None:
    layer = file_layer(tmp_path, SAMPLE, have=have)
    ports = range(30_000, 30_600)
    async with (
        open_swarm(("127.0.0.1", 0)) as swarm,
        listeners([(MEMBER, port) for port in (22, 1023, *ports)]) as came,
    ):
        await swarm.add(layer)
        swarm.connect(MEMBER, 29_999)
        peer, number = await hostile(swarm, info_hash(layer))
        await peer.say(*[holepunch(number, (MEMBER, port)) for port in (22, 1023)])
        await peer.say(*[holepunch(number, (MEMBER, port)) for port in ports] * 8)
        await until(lambda: len(came) >= 64)
        await dialled_meanwhile(swarm, came)
        assert {port for _, port in came} <= set(ports)
        assert len(set(came)) < 400


async def linked(swarm: TorrentSwarm, digest: bytes, count: int, *, source: str) -> list[WirePeer]:
    """Links of an address; those that are cut before the handshake is done are not among them."""

    async def one(number: int) -> WirePeer | None:
        peer = await dial(("127.0.0.1", swarm.port), source=source)
        try:
            await peer.say(PROTOCOL + RESERVED + digest + number.to_bytes(20))
            await peer.reader.readexactly(68)
        except (ConnectionError, asyncio.IncompleteReadError):
            peer.leave()
            return None
        return peer

    first = await shake_hands(("127.0.0.1", swarm.port), digest, source=source)
    found = await asyncio.gather(*(one(number) for number in range(1, count)))
    return [first, *(peer for peer in found if peer is not None)]


async def refused(swarm: TorrentSwarm) -> AddressRefused:
    """The next event of a swarm, which says that an address is refused."""
    (event,) = await swarm.events()
    assert isinstance(event, AddressRefused)
    return event


async def fetched_from(swarm: TorrentSwarm, folder: Path) -> None:
    """Have an honest host, which nobody knows, fetch all from there."""
    async with open_swarm(("127.0.0.7", 0)) as taker:
        await taker.add(file_layer(folder, SAMPLE))
        taker.connect("127.0.0.1", swarm.port)
        await finished(taker, ALL)


async def test_600_links_of_one_address_are_cut_and_others_are_served(tmp_path: Path) -> None:
    layer = file_layer(tmp_path / "giver", SAMPLE, have=ALL)
    async with open_swarm(("127.0.0.1", 0)) as swarm:
        await swarm.add(layer)
        peers = await linked(swarm, info_hash(layer), 600, source=ATTACKER)
        event = await refused(swarm)
        assert event.address == ATTACKER
        assert event.links > 96
        await asyncio.gather(*(peer.closed() for peer in peers))
        await fetched_from(swarm, tmp_path / "taker")


async def test_links_of_many_addresses_are_bounded_together_and_others_are_served(tmp_path: Path) -> None:
    layer = file_layer(tmp_path / "giver", SAMPLE, have=ALL)
    async with open_swarm(("127.0.0.1", 0)) as swarm:
        await swarm.add(layer)
        for number in range(8):
            await linked(swarm, info_hash(layer), 40, source=f"127.0.1.{number}")
        assert (await refused(swarm)).links == 40
        await fetched_from(swarm, tmp_path / "taker")


async def test_when_there_is_no_room_for_guests_it_is_said_and_hosts_that_are_wanted_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "GUESTS", 5)
    layer = file_layer(tmp_path / "giver", SAMPLE, have=ALL)
    async with open_swarm(("127.0.0.1", 0)) as swarm, open_swarm(("127.0.0.7", 0)) as taker:
        await swarm.add(layer)
        for number in range(5):
            await shake_hands(("127.0.0.1", swarm.port), info_hash(layer), source=f"127.0.1.{number}")
        late = await dial(("127.0.0.1", swarm.port), source="127.0.1.99")
        await late.closed()
        assert await refused(swarm) == AddressRefused("127.0.1.99")
        await taker.add(file_layer(tmp_path / "taker", SAMPLE))
        swarm.connect("127.0.0.7", taker.port)
        await finished(taker, ALL)


async def test_connections_that_say_nothing_keep_nobody_out(tmp_path: Path) -> None:
    layer = file_layer(tmp_path / "giver", SAMPLE, have=ALL)
    async with open_swarm(("127.0.0.1", 0)) as swarm:
        await swarm.add(layer)
        await shake_hands(("127.0.0.1", swarm.port), info_hash(layer), source=ATTACKER)
        place = ("127.0.0.1", swarm.port)
        idle = await asyncio.gather(*(dial(place, source=ATTACKER) for _ in range(300)))
        for peer in idle[:150]:
            await peer.say(PROTOCOL[:7])
        await fetched_from(swarm, tmp_path / "taker")


# What libtorrent has switched on


def test_every_flag_of_a_torrent_is_decided_upon() -> None:
    known = {name for name in dir(lt.torrent_flags) if not name.startswith("_")} - {"default_flags"}
    assert known == set(FLAGS)
    assert {name for name, is_on in FLAGS.items() if is_on} == {
        "apply_ip_filter", "disable_dht", "disable_lsd", "disable_pex", "duplicate_is_error", "no_verify_files",
    }  # fmt: skip


EXTENSIONS = {"lt_donthave", "upload_only", "ut_holepunch"}
"""What a host offers in its extended handshake (BEP 10), all of it by libtorrent's own choice and not to be switched off.
The tests here try each; `smart_ban`, which says nothing on the wire, bans who gave wrong blocks."""


@STATES
async def test_no_other_extension_is_offered_than_those_that_are_tried(have: int, tmp_path: Path) -> None:
    layer = file_layer(tmp_path, SAMPLE, have=have)
    async with open_swarm(("127.0.0.1", 0)) as swarm:
        await swarm.add(layer)
        peer = await shake_hands(("127.0.0.1", swarm.port), info_hash(layer), source=ATTACKER)
        await peer.say(hello())
        assert set(await peer.offers()) == EXTENSIONS


@STATES
async def test_a_message_of_an_extension_that_is_not_offered_ends_the_link(have: int, tmp_path: Path) -> None:
    layer = file_layer(tmp_path, SAMPLE, have=have)
    async with open_swarm(("127.0.0.1", 0)) as swarm:
        await swarm.add(layer)
        peer = await shake_hands(("127.0.0.1", swarm.port), info_hash(layer), source=ATTACKER)
        offered = set((await peer.offers()).values())
        for number in sorted(set(range(1, 16)) - offered):
            peer, _ = await hostile(swarm, info_hash(layer))
            peer_exchange = lt.bencode(
                {"added": bytes([127, 0, 0, 9, PORT >> 8, PORT & 255]), "msg_type": 0, "piece": 0}
            )
            await peer.say(extended(number, peer_exchange))
            await peer.closed()


ODD = {
    "huge numbers": [hello(reqq=(1 << 63) - 1, p=(1 << 63) - 1, metadata_size=1 << 40, complete_ago=1 << 62)],
    "negative numbers": [hello(reqq=-1, p=-1, metadata_size=-1, complete_ago=-5, upload_only=-1)],
    "other types": [hello(reqq=b"x", p=[1], v=7, yourip=b"123456789", m=3)],
    "no dictionary": [extended(0, b"i5e"), extended(0, b""), extended(0, b"d1:m" + b"d" * 500)],
    "a thousand handshakes": [hello(p=1)] * 1000,
    "shares and uploads only": [hello(share_mode=1, upload_only=1), extended(3, b"\x01"), extended(2, b"\x01")],
    "a port of a DHT": [message(DHT_PORT, PORT.to_bytes(2))] * 100,
    "hints": [message(kind, piece.to_bytes(4)) for kind in (SUGGEST, ALLOWED_FAST, HAVE) for piece in range(9)] * 1000,
    "rejects": [message(REJECT, struct.pack(">III", 0, 0, 16_384))] * 5000,
    "what it lacks again": [message(HAVE_ALL), *[extended(7, piece.to_bytes(4)) for piece in range(9)] * 500],
    "requests for everything": [message(INTERESTED), *[message(REQUEST, struct.pack(">III", 1, 0, 16_384))] * 20_000],
}
"""What dcdist never says, by what it is."""


@STATES
@pytest.mark.parametrize("words", ODD)
async def test_whatever_a_peer_says_others_are_served_and_nothing_else_is_dialled(
    words: str, have: int, tmp_path: Path
) -> None:
    layer = file_layer(tmp_path / "host", SAMPLE, have=have)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dht:
        dht.bind((ATTACKER, PORT))
        dht.setblocking(False)
        async with (
            open_swarm(("127.0.0.1", 0)) as swarm,
            open_swarm(("127.0.0.7", 0)) as other,
            listeners([(ATTACKER, PORT)]) as came,
        ):
            await swarm.add(layer)
            before = resident()
            peers = [(await hostile(swarm, info_hash(layer)))[0] for _ in range(8)]
            await asyncio.gather(*(_say(peer, ODD[words]) for peer in peers))
            await other.add(file_layer(tmp_path / "other", SAMPLE, have=ALL & ~have))
            other.connect("127.0.0.1", swarm.port)
            await finished(other if have else swarm, ALL)
            assert came == []
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
