"""Events of the swarm that wait to be taken: pieces that passed form one set a layer, however many there are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.errors import SwarmError
from dcdist.ports.swarm import PiecesPassed, SwarmBroke

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.model.identity import LayerName
    from dcdist.model.pieces import Bits
    from dcdist.ports.swarm import SwarmEvent, SwarmTrouble


class PendingEvents:
    """Gives failed pieces and bad peers first, then pieces that passed, then the end of the session.

    That order is true to what happened: a piece that passed never fails afterwards.
    """

    def __init__(self) -> None:
        self._troubles: list[SwarmTrouble] = []
        self._passed: dict[LayerName, Bits] = {}
        self._broke: list[SwarmBroke] = []
        self._closed = False
        self._news = asyncio.Event()

    def passed(self, layer: LayerName, pieces: Bits) -> None:
        """Pieces passed their check."""
        self._passed[layer] = self._passed.get(layer, 0) | pieces
        self._news.set()

    def trouble(self, event: SwarmTrouble) -> None:
        """A piece failed its check, a peer gave wrong bytes, or an address is refused."""
        self._troubles.append(event)
        self._news.set()

    def broke(self, event: SwarmBroke) -> None:
        """The session cannot go on."""
        self._broke.append(event)
        self._news.set()

    def close(self) -> None:
        """No event will follow: wake the callers that wait."""
        self._closed = True
        self._news.set()

    async def take(self) -> Sequence[SwarmEvent]:
        """Wait for events and take them all.

        Raises:
            SwarmError: It is closed and empty.
        """
        await self._news.wait()
        passed = [PiecesPassed(layer, pieces) for layer, pieces in self._passed.items()]
        events: list[SwarmEvent] = [*self._troubles, *passed, *self._broke]
        if self._closed and not events:
            raise SwarmError("the swarm is closed: no event will follow")
        self._troubles, self._passed, self._broke = [], {}, []
        if not self._closed:
            self._news.clear()
        return events
