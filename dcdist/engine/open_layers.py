"""The layers of a fetch that take part: opened, offered to the swarm, and given up for reading once they are whole.

Invariant: a layer takes part from the moment when the planner knows it; frames arrive only of layers that do.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.engine.arrivals import Arrivals
from dcdist.engine.frame_source import FrameSource
from dcdist.engine.preparation import open_layer
from dcdist.engine.reuse import copy_pieces, known_pieces
from dcdist.model import pieces
from dcdist.policy.planner_events import CopyBegan, CopyEnded, LayerOpened, PeersSeen, PiecesFinished

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AsyncExitStack

    from dcdist.engine.byte_counts import ByteCounts
    from dcdist.engine.fetch_events import FetchEvent
    from dcdist.engine.fetch_job import Job, Ports
    from dcdist.engine.fetch_plan import PlannedLayer
    from dcdist.model.identity import LayerName
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits
    from dcdist.policy.planner_events import Event
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.swarm import SwarmLayer

_OFFER = 256
"""Pieces whose frames are looked for at once: a large layer has tens of thousands."""


@dataclass(slots=True)
class OpenLayer:
    """One layer that takes part.

    `peers`: what the planner knows of them. `copied`: pieces from the cache that have not failed their check.
    """

    number: int
    source: FrameSource
    arrivals: Arrivals
    peers: PeersSeen
    copied: Bits = 0
    whole: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def index(self) -> Index:
        """The layer's index."""
        return self.source.layer.index

    @property
    def layer(self) -> CachedLayer:
        """The layer on the disk."""
        return self.source.layer

    @property
    def swarm_layer(self) -> SwarmLayer:
        """The layer in the swarm."""
        return self.source.swarm_layer


class OpenLayers:
    """The layers of a job that take part so far."""

    def __init__(
        self,
        job: Job,
        ports: Ports,
        counts: ByteCounts,
        *,
        tell: Callable[[Event], None],
        report: Callable[[FetchEvent], None],
        arrived: Callable[[FrameSource, Sequence[int]], None],
        all_open: Callable[[Bits], None],
    ) -> None:
        """`tell` gets the planner's events, `arrived` frames whose pieces are here, `all_open` the layers not whole."""
        self._planned = job.plan.layers
        self._known = job.known
        self._ports = ports
        self._counts = counts
        self._tell = tell
        self._report = report
        self._arrived = arrived
        self._all_open = all_open
        self._open: dict[int, OpenLayer] = {}
        self._numbers = {layer.entry.name: layer.number for layer in self._planned}
        self._taking_part = {layer.number: asyncio.Event() for layer in self._planned}
        self._whole = asyncio.Event()
        if not self._planned:
            self._whole.set()

    def __getitem__(self, number: int) -> OpenLayer:
        return self._open[number]

    @property
    def whole(self) -> bool:
        """Whether all layers are here."""
        return self._whole.is_set()

    def incomplete(self) -> list[OpenLayer]:
        """Those that take part and lack pieces."""
        return [opened for opened in self._open.values() if not opened.layer.complete]

    async def wait_until_whole(self) -> None:
        """Return when all layers are here."""
        await self._whole.wait()

    async def named(self, name: LayerName) -> OpenLayer:
        """The layer of that name, as soon as it takes part: the swarm may be quicker than `look_after`."""
        number = self._numbers[name]
        await self._taking_part[number].wait()
        return self._open[number]

    async def look_after(self, planned: PlannedLayer, stack: AsyncExitStack) -> None:
        """Open a layer, offer it to the swarm, find the frames that are here, copy what the cache knows.

        Once the layer is whole it is given up for reading: other processes of this host may use it while this one goes
        on giving. `stack` closes it, if it was not closed by then.

        Raises:
            DcdistError: The disk or the swarm refused.
        """
        opened = await self._open_layer(planned, stack)
        had, number = opened.layer.have, opened.number
        self._open[number] = opened
        self._tell(LayerOpened(number, opened.index.geometry, had))
        copies = known_pieces(opened.index, _all_pieces(opened.index) & ~had, self._known)
        if copies:
            self._tell(CopyBegan(number, copies))
        self._taking_part[number].set()
        self._note_all_open()
        self._note_whole(opened)
        await self._find_frames(opened, had)
        if copies:
            await self._copy(opened, copies)
        await opened.whole.wait()
        await opened.swarm_layer.flush()
        await opened.layer.close(clean=True)

    def finished(self, opened: OpenLayer, came: Bits) -> None:
        """Pieces came and passed their check."""
        opened.layer.add(came)
        self._counts.finished(opened.index, came)
        self._tell(PiecesFinished(opened.number, came))
        self._note_frames(opened, came)
        self._note_whole(opened)

    async def _open_layer(self, planned: PlannedLayer, stack: AsyncExitStack) -> OpenLayer:
        layer = await open_layer(self._ports.cache, planned.index, stack, self._report)
        self._counts.had(planned.index, layer.have)
        source = FrameSource(layer, await self._ports.swarm.add(layer))
        arrivals = Arrivals(planned.index, planned.placements.is_used)
        return OpenLayer(planned.number, source, arrivals, PeersSeen(planned.number, 0))

    async def _find_frames(self, opened: OpenLayer, had: Bits) -> None:
        """Find the frames of what was here from the start, letting others have the loop in between."""
        step = pieces.span(0, _OFFER)
        shift = 0
        while had:
            self._note_frames(opened, (had & step) << shift)
            had >>= _OFFER
            shift += _OFFER
            await asyncio.sleep(0)

    def _note_frames(self, opened: OpenLayer, came: Bits) -> None:
        frames = opened.arrivals.completed_by(came, opened.layer.have)
        if frames:
            self._arrived(opened.source, frames)

    async def _copy(self, opened: OpenLayer, copies: Bits) -> None:
        opened.copied = copies
        copied = await copy_pieces(opened.index, copies, self._known, opened.swarm_layer)
        self._counts.copied(opened.index, copied)
        self._tell(CopyEnded(opened.number, copies & ~copied))

    def _note_all_open(self) -> None:
        """Once all layers are open, it is known which of them were here."""
        if len(self._open) == len(self._planned):
            self._all_open(pieces.of(opened.number for opened in self.incomplete()))

    def _note_whole(self, opened: OpenLayer) -> None:
        if opened.layer.complete:
            opened.whole.set()
        if len(self._open) == len(self._planned) and not self.incomplete():
            self._whole.set()


def _all_pieces(index: Index) -> Bits:
    return pieces.span(0, index.geometry.piece_count)
