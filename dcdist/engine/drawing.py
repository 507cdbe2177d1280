"""Carries out one `Draw`: one range of one segment, streamed, handed to the swarm piece by piece.

Invariant: what was claimed is either handed over or released when it ends, however it ends.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.errors import ObjectMissingError, StoreError, StoreThrottledError
from dcdist.formats import object_names
from dcdist.model import pieces
from dcdist.policy.closer_look import CloserLook
from dcdist.policy.planner_events import BytesDrawn, DrawFailed, DrawFinished, Failure, PeersSeen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from dcdist.model.layer import Index
    from dcdist.policy.planner_commands import Draw
    from dcdist.policy.planner_events import Event
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import SwarmLayer

_REPORT = 1 << 18
"""Bytes between two reports of one draw."""

_REPORT_SECONDS = 0.5
"""Seconds after which fewer bytes are reported too: a slow draw is not a stalled one."""


async def draw(
    store: Store,
    index: Index,
    swarm_layer: SwarmLayer,
    command: Draw,
    *,
    tell: Callable[[Event], None],
    failed: Callable[[StoreError], None],
) -> None:
    """Bring the pieces of `command` from the store into the swarm.

    `tell` gets the bytes so far and the end of the draw; `failed` gets the reason if it failed.
    """
    geometry = index.geometry
    start = command.first * geometry.piece_length
    stop = min(command.stop * geometry.piece_length, geometry.length)
    _, offset = _place(index, command)
    swarm_layer.reserve(pieces.span(command.first, command.stop))
    handing = _Handing(swarm_layer, command, geometry.piece_size)
    try:
        async with store.read(object_of(index, command), start=offset, length=stop - start) as parts:
            await handing.run(parts, tell)
    except StoreError as error:
        failed(error)
        tell(_failed(command.number, error))
    else:
        tell(DrawFinished(command.number))
    finally:
        tell(BytesDrawn(command.number, handing.total))
        swarm_layer.release(pieces.span(handing.piece, command.stop))


async def needless(swarm_layer: SwarmLayer, command: Draw, known: PeersSeen) -> PeersSeen | None:
    """What peers hold and bring now, if that makes the draw needless (`CloserLook`); else None."""
    look = CloserLook(command.reason, pieces.span(command.first, command.stop), known.pieces, known.coming)
    if not look.believes_peers:
        return None
    held = await swarm_layer.latest_available()
    coming = swarm_layer.coming() if look.asks_what_comes else known.coming
    return PeersSeen(command.layer, held, coming) if look.shows_news(held, coming) else None


def object_of(index: Index, command: Draw) -> str:
    """The key of the segment that a draw reads."""
    return object_names.layer_segment(index.layer, _place(index, command)[0])


def _place(index: Index, command: Draw) -> tuple[int, int]:
    """The number of a draw's segment, and where in it the draw begins."""
    return divmod(command.first * index.geometry.piece_length, index.geometry.segment_length)


class _Handing:
    """Cuts a stream into pieces; `piece` is the first that was not handed over yet, `total` the bytes that came."""

    def __init__(self, swarm_layer: SwarmLayer, command: Draw, piece_size: Callable[[int], int]) -> None:
        self.piece = command.first
        self.total = 0
        self._swarm_layer = swarm_layer
        self._draw = command.number
        self._piece_size = piece_size
        self._parts: list[bytes | memoryview] = []
        self._held = 0

    async def run(self, parts: AsyncIterator[bytes], tell: Callable[[Event], None]) -> None:
        loop = asyncio.get_running_loop()
        reported, told_at = 0, loop.time()
        async for part in parts:
            self.total += len(part)
            if self.total - reported >= _REPORT or loop.time() - told_at >= _REPORT_SECONDS:
                reported, told_at = self.total, loop.time()
                tell(BytesDrawn(self._draw, self.total))
            await self._take(part)

    async def _take(self, part: bytes) -> None:
        rest = memoryview(part)
        while self._held + len(rest) >= (size := self._piece_size(self.piece)):
            cut = size - self._held
            data = b"".join([*self._parts, rest[:cut]])
            rest = rest[cut:]
            self._parts.clear()
            self._held = 0
            await self._swarm_layer.inject(self.piece, data)
            # Only now: a draw that is cancelled while it waits for room has not handed the piece over.
            self.piece += 1
            if not rest:
                return
        self._parts.append(rest)
        self._held += len(rest)


def _failed(draw: int, error: StoreError) -> DrawFailed:
    if isinstance(error, StoreThrottledError):
        return DrawFailed(draw, Failure.THROTTLED, str(error), error.retry_after)
    if error.retryable:
        return DrawFailed(draw, Failure.PASSING, str(error))
    if isinstance(error, ObjectMissingError):
        return DrawFailed(draw, Failure.LASTING, f"{error}; the release is damaged in the store: publish it again")
    return DrawFailed(draw, Failure.LASTING, str(error))
