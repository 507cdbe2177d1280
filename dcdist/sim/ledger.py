"""Who drew what when, and why: the copies that the store sent, and where second copies come from."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dcdist.model.pieces import Bits
    from dcdist.policy.planner_commands import Reason


class State(StrEnum):
    """What was known of pieces that were drawn again."""

    SEEN = "seen"
    """The drawer knew that a peer held them."""
    HELD = "held"
    """A host held them, and the drawer did not know yet."""
    IN_FLIGHT = "in flight"
    """Another request for them was under way."""
    LOST = "lost"
    """Nobody held them any more."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """One way to come by a second copy: why the first was drawn, why this one, and what was there at that time."""

    first: Reason
    again: Reason
    state: State


@dataclass(slots=True)
class Ledger:
    """What was drawn: pieces by reason, duplicates by their kind, in bytes."""

    drawn: defaultdict[Reason, float] = field(default_factory=lambda: defaultdict(float))
    duplicates: defaultdict[Duplicate, float] = field(default_factory=lambda: defaultdict(float))
    again_at: list[tuple[float, int]] = field(default_factory=list)
    _first: dict[int, Reason] = field(default_factory=dict)
    _in_flight: Counter[int] = field(default_factory=Counter)

    def begun(
        self, pieces: Sequence[int], length: float, why: Reason, *, seen: Bits, held: Bits, host: int, now: float
    ) -> None:
        """A request of `length` bytes began for pieces; `seen` and `held` are sets of pieces."""
        size = length / len(pieces)
        self.drawn[why] += size * len(pieces)
        for piece in pieces:
            first = self._first.get(piece)
            if first is None:
                self._first[piece] = why
            else:
                if seen >> piece & 1:
                    state = State.SEEN
                elif held >> piece & 1:
                    state = State.HELD
                else:
                    state = State.IN_FLIGHT if self._in_flight[piece] else State.LOST
                self.duplicates[Duplicate(first, why, state)] += size
                self.again_at.append((now, host))
            self._in_flight[piece] += 1

    def ended(self, pieces: Iterable[int]) -> None:
        """A request for pieces is over."""
        for piece in pieces:
            self._in_flight[piece] -= 1
