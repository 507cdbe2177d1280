"""Which requests to the store are under way, and how far is each? Bookkeeping of the planner; it decides nothing.

Invariant: a piece that is in flight because of a draw is in exactly one draw here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.policy.planner_commands import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.pieces import Bits
    from dcdist.policy.state.layer_state import LayerState

_UNSURE = 1.0
"""Seconds after which a draw has gone out: the closer look before it waits for half of that at most."""


@dataclass(slots=True)
class Running:
    """One draw: its range, and how far it is. `ended`: when all its bytes had come; its pieces are being checked."""

    layer: int
    pieces: Bits
    length: int
    reason: Reason
    begun: float
    total: int = 0
    latest: float = 0.0
    ended: float | None = None

    @property
    def heard(self) -> float:
        """When its last byte came; when it began if none did."""
        return max(self.latest, self.begun)


@dataclass(slots=True)
class Draws:
    """The draws of a fetch by their numbers. `total`: bytes that all of them together have brought."""

    layers: dict[int, LayerState]
    total: int = 0
    _running: dict[int, Running] = field(default_factory=dict)
    _next: int = 0

    def __iter__(self) -> Iterator[tuple[int, Running]]:
        """All of them, by number; they may be taken out meanwhile."""
        return iter(list(self._running.items()))

    @property
    def active(self) -> int:
        """Those whose bytes are still coming."""
        return sum(running.ended is None for running in self._running.values())

    def sure(self, *, now: float) -> bool:
        """Whether the store is being asked for something: a draw that has just begun may still prove needless."""
        return any(
            each.ended is None and (each.total or each.reason is Reason.STANDSTILL or now - each.begun >= _UNSURE)
            for each in self._running.values()
        )

    def oldest(self, *, now: float) -> float:
        """When the oldest began whose bytes are still coming; now if there is none."""
        return min((each.begun for each in self._running.values() if each.ended is None), default=now)

    def get(self, draw: int) -> Running | None:
        """One of them; None if it is over."""
        return self._running.get(draw)

    def bring(self, layer: int, bits: Bits) -> bool:
        """Whether one whose bytes are still coming is for any of these pieces."""
        return any(each.ended is None and each.layer == layer and each.pieces & bits for each in self._running.values())

    def begin(self, layer: int, bits: Bits, length: int, reason: Reason, *, now: float) -> int:
        """Pieces are asked for, `length` bytes: the number of the draw."""
        state = self.layers[layer]
        state.in_flight |= bits
        state.requested |= bits
        draw = self._next
        self._next += 1
        self._running[draw] = Running(layer, bits, length, reason, begun=now)
        return draw

    def brought(self, draw: int, total: int, *, now: float) -> bool:
        """So many bytes of a draw have come; whether that is more than before."""
        running = self._running.get(draw)
        if running is None or total <= running.total:
            return False
        self.total += total - running.total
        running.total, running.latest = total, now
        return True

    def forget(self, draw: int) -> None:
        """All pieces of a draw are here."""
        del self._running[draw]

    def land(self, draw: int) -> Running | None:
        """A draw is over: those of its pieces that did not come are missing again. None if it was over already."""
        running = self._running.pop(draw, None)
        if running is not None:
            state = self.layers[running.layer]
            state.in_flight &= ~running.pieces
            state.reassign()
        return running
