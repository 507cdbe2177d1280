"""What the planner is told, in the past tense. Layers are numbered from 0 in the order of the release.

Events are aggregates: sets of pieces and changes of membership, at most about one a second beside own completions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.model.geometry import Geometry
    from dcdist.model.identity import HostId
    from dcdist.model.member import Member
    from dcdist.model.pieces import Bits

POLL = 0.5
"""Seconds between two times at which the planner is told what peers hold, have given and lack."""


@dataclass(frozen=True, slots=True)
class LayerOpened:
    """Layer `layer` takes part from now on; `have` are the pieces this host holds already."""

    layer: int
    geometry: Geometry
    have: Bits


@dataclass(frozen=True, slots=True)
class MembersChanged:
    """Other hosts appeared (or changed) and left, by the latest listing; both are empty if it showed nothing new."""

    joined: tuple[Member, ...]
    left: tuple[HostId, ...]


@dataclass(frozen=True, slots=True)
class PrefixChanged:
    """From now on the members told are those whose ids share the first `bits` bits with this host's."""

    bits: int


@dataclass(frozen=True, slots=True)
class PiecesFinished:
    """This host holds these pieces now."""

    layer: int
    pieces: Bits


@dataclass(frozen=True, slots=True)
class PieceFoundCorrupt:
    """A piece was corrupt: it failed its check. `from_store`: else its bytes came from peers."""

    layer: int
    piece: int
    from_store: bool


@dataclass(frozen=True, slots=True)
class PeersSeen:
    """At least one connected peer holds each of these pieces; those that are `coming` are being asked for already."""

    layer: int
    pieces: Bits
    coming: Bits = 0


@dataclass(frozen=True, slots=True)
class HostsLinked:
    """So many other hosts are linked now."""

    count: int


@dataclass(frozen=True, slots=True)
class PeersGave:
    """Payload bytes that all peers have given since the start, but for those that were wrong or had; never fewer."""

    total: int


@dataclass(frozen=True, slots=True)
class PeersLack:
    """What each linked host that is not done yet lacks of the layers it has a link for, in bytes."""

    lacking: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CopyBegan:
    """These pieces are being copied from elsewhere on this host: nobody need bring them."""

    layer: int
    pieces: Bits


@dataclass(frozen=True, slots=True)
class CopyEnded:
    """The copy is over; these pieces of it could not be had, and are missing again."""

    layer: int
    pieces: Bits


@dataclass(frozen=True, slots=True)
class BytesDrawn:
    """Payload bytes of a running draw that have come so far."""

    draw: int
    total: int


@dataclass(frozen=True, slots=True)
class DrawFinished:
    """All bytes of a draw have come and were handed on to be checked."""

    draw: int


@dataclass(frozen=True, slots=True)
class DrawNeedless:
    """A draw was not begun: a closer look just before showed that peers hold some of its pieces."""

    draw: int


class Failure(Enum):
    """Why a draw ended early, by what can be done about it."""

    PASSING = auto()
    """The store did not answer, stalled, or broke off: try again later."""
    THROTTLED = auto()
    """The store asks for fewer requests."""
    LASTING = auto()
    """The object is missing, changed, or may not be read: trying again soon is of no use."""


@dataclass(frozen=True, slots=True)
class DrawFailed:
    """A draw ended early; `retry_after` (seconds) is the store's wish; `reason` is for people."""

    draw: int
    failure: Failure
    reason: str
    retry_after: float | None = None


Event = (
    LayerOpened
    | MembersChanged
    | PrefixChanged
    | PiecesFinished
    | PieceFoundCorrupt
    | PeersSeen
    | HostsLinked
    | PeersGave
    | PeersLack
    | CopyBegan
    | CopyEnded
    | BytesDrawn
    | DrawFinished
    | DrawNeedless
    | DrawFailed
)
