"""A peer that speaks the wire protocol by hand (BEP 3, 6 and 10), and says what dcdist never says."""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, cast

import libtorrent as lt

from dcdist.swarm.torrent import torrent_parameters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dcdist.model.identity import Address
    from dcdist.ports.layers import CachedLayer

PROTOCOL = b"\x13BitTorrent protocol"
RESERVED = bytes([0, 0, 0, 0, 0, 0x10, 0, 0x05])
"""Extensions, the fast extension, and a DHT."""

CHOKE, UNCHOKE, INTERESTED, HAVE, BITFIELD, REQUEST, PIECE = 0, 1, 2, 4, 5, 6, 7
DHT_PORT, SUGGEST, HAVE_ALL, HAVE_NONE, REJECT, ALLOWED_FAST, EXTENDED = 9, 13, 14, 15, 16, 17, 20


def info_hash(layer: CachedLayer) -> bytes:
    """The info hash of a layer, which is no secret among those who may read the store."""
    digest: bytes = torrent_parameters(layer).info_hashes.v1.to_bytes()
    return digest


def message(kind: int, body: bytes = b"") -> bytes:
    """One message with its length."""
    return struct.pack(">IB", 1 + len(body), kind) + body


def extended(number: int, body: bytes) -> bytes:
    """A message of an extension, by the number that the receiver gave it."""
    return message(EXTENDED, bytes([number]) + body)


def hello(**more: object) -> bytes:
    """An extended handshake that claims every extension there is."""
    names = ("ut_holepunch", "ut_pex", "ut_metadata", "lt_donthave", "upload_only", "share_mode", "lt_tex")
    return extended(0, bencoded({"m": {name: number for number, name in enumerate(names, 1)}, **more}))


def bencoded(value: dict[str, object]) -> bytes:
    """A dictionary as BitTorrent writes it (BEP 3)."""
    written: bytes = lt.bencode(cast("dict[str, Any]", value))
    return written


def holepunch(number: int, place: Address) -> bytes:
    """What asks the receiver to dial a place (BEP 55)."""
    address = ipaddress.ip_address(place[0])
    return extended(number, bytes([1, address.version == 6]) + address.packed + struct.pack(">H", place[1]))


@dataclass
class WirePeer:
    """One connection; `received` are the messages that came so far, with their kinds."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: list[tuple[int, bytes]] = field(default_factory=list)

    async def say(self, *messages: bytes) -> Self:
        """Send messages, and wait until the system has taken them."""
        self.writer.writelines(messages)
        with suppress(ConnectionError):
            await self.writer.drain()
        return self

    async def next(self, kind: int) -> bytes:
        """The body of the next message of a kind; those before are kept in `received`.

        Raises:
            asyncio.IncompleteReadError: The host closed the connection first.
        """
        while True:
            (length,) = struct.unpack(">I", await self.reader.readexactly(4))
            if not length:
                continue
            body = await self.reader.readexactly(length)
            self.received.append((body[0], body[1:]))
            if body[0] == kind:
                return body[1:]

    async def offers(self) -> dict[str, int]:
        """The extensions that the host offers, with their numbers."""
        body = await self.next(EXTENDED)
        names = cast("dict[bytes, dict[bytes, int]]", lt.bdecode(body[1:]))[b"m"]
        return {name.decode(): number for name, number in names.items()}

    async def closed(self) -> None:
        """Wait until the host has closed the connection."""
        with suppress(ConnectionError):
            while await self.reader.read(65_536):
                pass

    def leave(self) -> None:
        """Drop the connection."""
        self.writer.transport.abort()


@dataclass
class Attacker:
    """Makes connections from addresses of this machine, each as another peer; all end with it (`async with`).

    With `peer_id`, all show that one.
    """

    place: Address
    digest: bytes
    peer_id: bytes | None = None
    peers: list[WirePeer] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for peer in self.peers:
            peer.leave()
        await asyncio.sleep(0)  # the loop closes the sockets

    async def dial(self, source: str) -> WirePeer:
        """Connect, and say nothing."""
        peer = WirePeer(*await asyncio.open_connection(*self.place, local_addr=(source, 0)))
        self.peers.append(peer)
        return peer

    async def try_to_link(self, source: str) -> WirePeer | None:
        """Connect, and exchange handshakes; None if the host hangs up."""
        peer = await self.dial(source)
        name = self.peer_id or b"-XX0000-%012d" % len(self.peers)
        try:
            await peer.say(PROTOCOL + RESERVED + self.digest + name)
            await peer.reader.readexactly(68)
        except (ConnectionError, asyncio.IncompleteReadError):
            peer.leave()
            return None
        return peer

    async def link(self, source: str) -> WirePeer:
        """Have a link; a host that refuses, because it does not know the address yet, is dialled again."""
        while (peer := await self.try_to_link(source)) is None:
            await asyncio.sleep(0.02)
        return peer

    async def links(self, source: str, count: int) -> None:
        """Have as many links as the host lets one have, up to a number."""
        await self.link(source)
        await asyncio.gather(*(self.try_to_link(source) for _ in range(count - 1)))


@asynccontextmanager
async def listeners(places: Sequence[Address]) -> AsyncIterator[list[Address]]:
    """Listens at places (port 0: any), counts who connects: the yielded list grows by where each one came to."""
    came: list[Address] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("sockname")[:2])
        writer.transport.abort()

    servers = [await asyncio.start_server(serve, *place) for place in places]
    try:
        yield came
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()
