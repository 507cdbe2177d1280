"""Records on a pipe, from a process that must never wait for its reader."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.cli.faults import Json


class RecordPipe(asyncio.Protocol):
    """Writes one JSON object a line to a descriptor, which it owns. Leaving the context waits until all is written."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._transport: asyncio.WriteTransport | None = None
        self._lost = asyncio.Event()
        self._finished = False
        self._reader_is_gone: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Self:
        pipe = os.fdopen(self._descriptor, "wb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_write_pipe(lambda: self, pipe)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.finish()
        await self._lost.wait()

    def when_reader_is_gone(self, call: Callable[[], None]) -> None:
        """Have `call` called if the reader goes before all is written."""
        self._reader_is_gone = call

    def write(self, record: dict[str, Json]) -> None:
        """Write a record, sooner or later."""
        if self._transport is not None and not self._finished:
            self._transport.write(json.dumps(record).encode() + b"\n")

    def write_if_there_is_room(self, record: dict[str, Json]) -> None:
        """Write a record, unless earlier ones still wait for the reader."""
        if self._transport is not None and not self._transport.get_write_buffer_size():
            self.write(record)

    def finish(self) -> None:
        """There is no more to write: close the pipe when all is written."""
        self._finished = True
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The pipe is closed, by this side or the other."""
        del exc
        self._lost.set()
        if not self._finished:
            self._finished = True
            self._reader_is_gone()
