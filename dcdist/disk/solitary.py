"""A swarm of one, without a network: all pieces are injected.

Invariant: a piece is reported as passed once, after its check and after it was written to the data file.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from dcdist.disk.piece_writer import Injection, PieceWriter
from dcdist.errors import InvariantError, SwarmError
from dcdist.policy.fleet.reachability import Contact
from dcdist.ports.pending_events import PendingEvents
from dcdist.ports.swarm import PieceFailed, SwarmBroke, SwarmStatistics
from dcdist.tasks import to_its_end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.disk.piece_writer import InjectionResult
    from dcdist.model.identity import Address, HostId, LayerName
    from dcdist.model.pieces import Bits
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.swarm import SwarmEvent

_WINDOW = 8
"""Pieces on their way to the disk before `inject` waits: enough to keep the thread busy, at most 8 MiB."""


class Solitary:
    """Implements `Swarm`. Create it in a running event loop; close it."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._writer = PieceWriter(
            notify=_from_thread(loop, self._collect), ended=_from_thread(loop, lambda: self._ended.set_result(None))
        )
        self._layers: dict[LayerName, SolitaryLayer] = {}
        self._under_way = 0
        self._room = asyncio.Event()
        self._room.set()
        self._events = PendingEvents()
        self._broke = False
        self._wasted = 0
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def port(self) -> int:
        """0: it does not listen."""
        return 0

    @property
    def listening(self) -> tuple[Address, ...]:
        """Nowhere."""
        return ()

    async def add(self, layer: CachedLayer) -> SolitaryLayer:
        """Add a layer; its data file is written from here on.

        Raises:
            SwarmError: The layer was added before, or the swarm is closed.
        """
        name = layer.index.layer
        if self._closed or name in self._layers:
            raise SwarmError(f"layer {name} cannot be added: it was added before, or the swarm is closed")
        self._layers[name] = SolitaryLayer(self, layer)
        return self._layers[name]

    def connect(self, address: str, port: int) -> None:
        """Does nothing: there is no network."""

    def forget(self, address: str, port: int) -> None:
        """Does nothing: there is no network."""

    def contact(self, host: HostId | None, address: str, port: int) -> Contact:
        """No host is linked, and none was dialled."""
        del host
        return Contact((address, port))

    async def events(self) -> Sequence[SwarmEvent]:
        """Wait for events and take them: failed pieces first, then the pieces that passed as one set a layer.

        Raises:
            SwarmError: It is closed, and all was taken.
        """
        return await self._events.take()

    def statistics(self) -> SwarmStatistics:
        """No bytes move; `wasted` counts injected bytes that came twice or failed."""
        return SwarmStatistics(from_peers=0, useful=0, to_peers=0, wasted=self._wasted, peers=0, peers_seen=0)

    async def latest_statistics(self) -> SwarmStatistics:
        """The same as `statistics`, which is never late here."""
        return self.statistics()

    def lacking(self) -> tuple[int, ...]:
        """No host is linked."""
        return ()

    def limit(self, *, up: float | None, down: float | None) -> None:
        """Does nothing: there are no peers."""

    async def close(self) -> None:
        """Write what was injected and end the thread. Closing twice does nothing."""
        if not self._closed:
            self._closed = True
            self._writer.stop()
        try:
            # Even when cancelled: the files are being written until then.
            await to_its_end(self._ended)
        finally:
            self._writer.join()
            self._events.close()

    async def submit(self, injection: Injection) -> None:
        """Give a piece to the thread and wait for room; the layers of this swarm call this."""
        if self._closed:
            raise SwarmError("the swarm is closed and accepts no more pieces")
        if self._broke:
            return
        self._under_way += 1
        if self._under_way >= _WINDOW:
            self._room.clear()
        self._writer.submit(injection)
        await self._room.wait()

    def waste(self, count: int) -> None:
        """Count wasted bytes."""
        self._wasted += count

    def _collect(self) -> None:
        for result in self._writer.take():
            self._under_way -= 1
            self._note(result)
        if self._under_way < _WINDOW:
            self._room.set()

    def _note(self, result: InjectionResult) -> None:
        name, piece = result.injection.index.layer, result.injection.piece
        if result.error is not None:
            if not self._broke:
                self._broke = True
                self._events.broke(SwarmBroke(result.error))
        elif not self._layers[name].lacks(piece):
            self.waste(len(result.injection.data))
        elif result.good:
            self._layers[name].note(piece)
            self._events.passed(name, 1 << piece)
        else:
            self.waste(len(result.injection.data))
            self._events.trouble(PieceFailed(name, piece, injected=True))


class SolitaryLayer:
    """Implements `SwarmLayer`; made by `Solitary.add`."""

    def __init__(self, swarm: Solitary, layer: CachedLayer) -> None:
        self._swarm = swarm
        self._index = layer.index
        self._path = layer.path
        self._have = layer.have

    async def inject(self, piece: int, data: bytes) -> None:
        """Have a whole piece checked and written; returns when there is room for more.

        The result comes as an event. A piece that is already had is dropped without one.

        Raises:
            SwarmError: The swarm is closed.
        """
        if not 0 <= piece < self._index.geometry.piece_count:
            raise InvariantError(f"layer {self._index.layer} has no piece {piece}")
        if self.lacks(piece):
            await self._swarm.submit(Injection(self._index, self._path, piece, data))
        else:
            self._swarm.waste(len(data))

    def reserve(self, pieces: Bits) -> None:
        """Does nothing: no peer is asked for anything."""

    def release(self, pieces: Bits) -> None:
        """Does nothing: no peer is asked for anything."""

    def prefer(self, pieces: Bits, *, others: bool) -> None:
        """Does nothing: no peer is asked for anything."""

    def available(self) -> Bits:
        """No piece: there are no peers."""
        return 0

    async def latest_available(self) -> Bits:
        """No piece: there are no peers."""
        return 0

    def coming(self) -> Bits:
        """No piece: there are no peers."""
        return 0

    async def flush(self) -> None:
        """Returns at once: pieces are written before they are reported."""

    def lacks(self, piece: int) -> bool:
        """Whether a piece is still missing."""
        return not self._have >> piece & 1

    def note(self, piece: int) -> None:
        """A piece was checked and written."""
        self._have |= 1 << piece


def _from_thread(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> Callable[[], None]:
    def tell() -> None:
        with suppress(RuntimeError):  # the loop was closed first: nobody listens any more
            loop.call_soon_threadsafe(call)

    return tell
