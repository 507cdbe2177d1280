"""Bad peers: one offers everything and gives nothing, one gives rubbish, one talks nonsense, some never answer."""

from __future__ import annotations

import asyncio
import random
import socket
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

_HANDSHAKE = 68
_PROTOCOL = b"\x13BitTorrent protocol"
_REQUEST = 6
_PIECE = 7
_BITFIELD = 5
_UNCHOKE = 1
_HAVE_ALL = 14
_FAST = bytes([0, 0, 0, 0, 0, 0, 0, 4])
"""The bits of a handshake that allow `_HAVE_ALL` (BEP 6)."""


class BadPeer:
    """Listens on `port`; counts connections, and the requests for blocks, which it does not answer with right bytes."""

    def __init__(self) -> None:
        self.port = 0
        self.connections = 0
        self.requests = 0


@asynccontextmanager
async def silent_peer(
    pieces: int | None = None, *, address: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[BadPeer]:
    """A peer that offers all of any torrent, accepts every request (BEP 3), and never sends a block.

    It says so piece by piece if their number is given, else in a word (BEP 6).
    """
    peer = BadPeer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.readexactly(_HANDSHAKE)
        name = b"-XX0000-" + random.Random(peer.port).randbytes(12)
        writer.write(_PROTOCOL + (bytes(8) if pieces else _FAST) + hello[28:48] + name)
        writer.write(_offer(pieces) + _message(_UNCHOKE))
        while True:
            length = int.from_bytes(await reader.readexactly(4))
            message = await reader.readexactly(length)
            peer.requests += message[:1] == bytes([_REQUEST])

    async with _listening(peer, serve, address, port):
        yield peer


@asynccontextmanager
async def poisoning_peer(pieces: int, *, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[BadPeer]:
    """A peer that offers all of any torrent and answers every request with zeros, at once."""
    peer = BadPeer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.readexactly(_HANDSHAKE)
        name = b"-XX0001-" + random.Random(peer.port).randbytes(12)
        writer.write(_PROTOCOL + bytes(8) + hello[28:48] + name)
        writer.write(_offer(pieces) + _message(_UNCHOKE))
        while True:
            length = int.from_bytes(await reader.readexactly(4))
            message = await reader.readexactly(length)
            if message[:1] == bytes([_REQUEST]):
                peer.requests += 1
                writer.write(_message(_PIECE, message[1:9] + bytes(int.from_bytes(message[9:13]))))
                await writer.drain()

    async with _listening(peer, serve, address, port):
        yield peer


@asynccontextmanager
async def babbling_peer(*, address: str = "127.0.0.1", port: int = 0) -> AsyncIterator[BadPeer]:
    """A peer that answers every connection with random bytes and ends it."""
    peer = BadPeer()
    dealer = random.Random(7)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(dealer.randbytes(dealer.randrange(1, 4000)))
        await writer.drain()

    async with _listening(peer, serve, address, port):
        yield peer


async def babble(port: int, times: int) -> None:
    """Connect to a host several times and send it random bytes; some begin as the protocol requires."""
    dealer = random.Random(8)
    for number in range(times):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        begin = _PROTOCOL if number % 2 else b""
        with suppress(ConnectionError):
            writer.write(begin + dealer.randbytes(dealer.randrange(1, 4000)))
            await writer.drain()
        writer.transport.abort()


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 on which no process listens."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _offer(pieces: int | None) -> bytes:
    if pieces is None:
        return _message(_HAVE_ALL)
    whole = ((1 << pieces) - 1) << (-pieces % 8)
    return _message(_BITFIELD, whole.to_bytes(-(-pieces // 8)))


def _message(kind: int, body: bytes = b"") -> bytes:
    return (1 + len(body)).to_bytes(4) + bytes([kind]) + body


@asynccontextmanager
async def _listening(
    peer: BadPeer,
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    address: str,
    port: int,
) -> AsyncIterator[None]:
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        peer.connections += 1
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the host left
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(accept, address, port)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def deaf_ports(count: int) -> Iterator[list[int]]:
    """Ports of 127.0.0.1 that neither accept nor refuse a connection, like those of a host that is cut off."""
    with ExitStack() as stack:
        ports = []
        for _ in range(count):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            # It fills the queue: the kernel drops later connections.
            stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            ports.append(port)
        yield ports
