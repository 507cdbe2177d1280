"""What the planner wants done, in the imperative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits


@dataclass(frozen=True, slots=True)
class Draw:
    """Request pieces `first` to `stop - 1` of a layer from the store in one range, and ask no peer for them."""

    number: int
    layer: int
    first: int
    stop: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Leave a draw that no longer helps."""

    number: int


@dataclass(frozen=True, slots=True)
class AskFirst:
    """From now on ask peers for `pieces` of a layer before all others of it; for the others at all only if `others`."""

    layer: int
    pieces: Bits
    others: bool = True


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Nothing has come for too long and nothing will; `reason` is for people."""

    reason: str


Command = Draw | Drop | AskFirst | GiveUp
