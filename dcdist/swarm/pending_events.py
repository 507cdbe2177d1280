"""What happened in the swarm and was not told yet: finished pieces as one set a layer, however many there were."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.errors import SwarmError
from dcdist.ports.swarm import PiecesPassed, SwarmBroke

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.model.identity import LayerName
    from dcdist.model.pieces import Bits
    from dcdist.ports.swarm import PeerBanned, PeersLied, PieceFailed, SwarmEvent


class PendingEvents:
    """Events until they are taken: failed pieces and what peers did first, then finished ones, then the end of it all.

    That is in order, for a piece that finished never fails afterwards.
    """

    def __init__(self) -> None:
        self._troubles: list[PieceFailed | PeersLied | PeerBanned] = []
        self._finished: dict[LayerName, Bits] = {}
        self._broke: list[SwarmBroke] = []
        self._closed = False
        self._news = asyncio.Event()

    def finished(self, layer: LayerName, pieces: Bits) -> None:
        """Pieces passed their check."""
        self._finished[layer] = self._finished.get(layer, 0) | pieces
        self._news.set()

    def trouble(self, event: PieceFailed | PeersLied | PeerBanned) -> None:
        """A piece did not, or a peer gave wrong bytes."""
        self._troubles.append(event)
        self._news.set()

    def broke(self, event: SwarmBroke) -> None:
        """The session cannot go on."""
        self._broke.append(event)
        self._news.set()

    def close(self) -> None:
        """Nothing more will come: those who wait are told."""
        self._closed = True
        self._news.set()

    async def take(self) -> Sequence[SwarmEvent]:
        """Wait for events and take them all.

        Raises:
            SwarmError: It is closed, and all was taken.
        """
        await self._news.wait()
        finished = [PiecesPassed(layer, pieces) for layer, pieces in self._finished.items()]
        events: list[SwarmEvent] = [*self._troubles, *finished, *self._broke]
        if self._closed and not events:
            raise SwarmError("the swarm is closed: nothing more will happen there")
        self._troubles, self._finished, self._broke = [], {}, []
        if not self._closed:
            self._news.clear()
        return events
