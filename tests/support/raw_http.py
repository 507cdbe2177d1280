"""A web server that answers what no proper one would: each test reads the request and writes the answer by itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@dataclass(frozen=True, slots=True)
class RawRequest:
    """The head of a request; names of headers are in small letters. The body is still in `reader`."""

    method: str
    path: str
    headers: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def body(self) -> bytes:
        """All of it."""
        return await self.reader.readexactly(int(self.headers.get("content-length", "0")))

    async def answer(self, status: int, **headers: str) -> None:
        """Send an answer without a body."""
        told = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self.writer.write(f"HTTP/1.1 {status} Told\r\nContent-Length: 0\r\nConnection: close\r\n{told}\r\n".encode())
        await self.writer.drain()


async def forever(request: RawRequest, head: bytes, again: bytes, *, pause: float = 0.0) -> None:
    """Send `head`, and then `again` and again."""
    request.writer.write(head)
    while True:
        request.writer.write(again)
        await request.writer.drain()
        if pause:
            await asyncio.sleep(pause)


@asynccontextmanager
async def serve_raw(handle: Callable[[RawRequest], Awaitable[None]]) -> AsyncIterator[str]:
    """A server on loopback that closes a connection when `handle` returns; its URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            await handle(RawRequest(method, path, headers, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client left, or the server ends
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
