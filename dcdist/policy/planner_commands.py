"""What the planner wants done, in the imperative."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits


class Reason(StrEnum):
    """Why a host draws pieces. Their rank is the order of `REASONS` in the chooser."""

    OWN = "own"
    """It is this host's own."""
    LATE_OWNER = "late owner"
    """Another member of the prefix owns it, and is late."""
    OTHER_PREFIX = "other prefix"
    """Another prefix shares it, from which nothing comes."""
    CORRUPT = "corrupt"
    """Peers gave it corrupt."""
    SILENT_PEERS = "silent peers"
    """Peers hold it, and give nothing right."""
    SLACK = "slack"
    """Peers hold it, and leave room on this host's link."""
    PROBE = "probe"
    """Peers hold it, and are slow: a try whether the store brings more."""
    IDLE_LINK = "idle link"
    """Peers hold it, and next to nothing comes from anywhere."""
    STANDSTILL = "standstill"
    """Too little has come for too long, whoever owns, offers or holds it: needed, whatever a closer look shows."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Request pieces `first` to `stop - 1` of a layer from the store in one range, and ask no peer for them."""

    number: int
    layer: int
    first: int
    stop: int
    reason: Reason


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
