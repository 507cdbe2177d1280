"""A TCP link to a server that a test can cut, freeze and mend: a relay that stands in for the network between."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_ABORT = struct.pack("ii", 1, 0)
_CHUNK = 1 << 16


class TcpLink:
    """Relays connections from `port` to `target`, a port of 127.0.0.1; up from the start of the context to its end."""

    def __init__(self, target: int, *, address: str = "127.0.0.1") -> None:
        """`address` is where it listens, on a port that is free."""
        self.target = target
        self.address = address
        self.port = 0
        self.connections = 0
        """Connections that were ever relayed."""
        self.waiting = 0
        """Connections that came while it was frozen."""
        self.relayed = 0
        """Bytes that came from the target."""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def mend(self) -> None:
        """Let connections come and bytes flow."""
        self._flowing.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._relay, self.address, self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse connections, and reset those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._flowing.set()
        self.reset()
        while self._open:
            await asyncio.sleep(0.01)

    def reset(self) -> None:
        """Reset all connections that are open; new ones may come."""
        for writer in self._open:
            sock = writer.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            writer.transport.abort()

    def freeze(self) -> None:
        """Let nothing through and tell nobody: links stay, half-open, and new ones get no answer."""
        self._flowing.clear()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._open.add(writer)
        other: asyncio.StreamWriter | None = None
        self.waiting += not self._flowing.is_set()
        try:
            await self._flowing.wait()
            back, other = await asyncio.open_connection("127.0.0.1", self.target)
            self._open.add(other)
            self.connections += 1
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, other, counted=False))
                group.create_task(self._pump(back, writer, counted=True))
        except (OSError, ExceptionGroup):
            pass  # one side is gone, and so is the other
        finally:
            for each in (writer, other):
                if each is not None:
                    each.transport.abort()
                    self._open.discard(each)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool) -> None:
        while data := await reader.read(_CHUNK):
            await self._flowing.wait()
            if counted:
                self.relayed += len(data)
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
