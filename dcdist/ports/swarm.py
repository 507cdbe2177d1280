"""The swarm: gives and takes pieces of layers, checks every one by its SHA-1, and reports what it has.

Two adapters: a BitTorrent session, and one without a network for a host that fetches alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.errors import DcdistError
    from dcdist.model.identity import Address, HostId, LayerName
    from dcdist.model.pieces import Bits
    from dcdist.policy.fleet.reachability import Contact
    from dcdist.ports.layers import CachedLayer


@dataclass(frozen=True, slots=True)
class PiecesPassed:
    """These pieces passed their check, whoever gave them; each is reported once."""

    layer: LayerName
    pieces: Bits


@dataclass(frozen=True, slots=True)
class PieceFailed:
    """A piece failed its check and is missing again. `injected`: the bytes that were injected are wrong.

    Otherwise it came from `peers` (IP:PORT, sorted), of which at least one gave wrong bytes; empty if nobody knows.
    """

    layer: LayerName
    piece: int
    injected: bool
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeersLied:
    """One of `peers` (IP:PORT, sorted; empty if nobody knows) gave wrong bytes of a piece that came from elsewhere too.

    The piece is being checked again, without them.
    """

    layer: LayerName
    piece: int
    peers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PeerBanned:
    """A peer gave wrong bytes and is asked for nothing more of that layer; `peer` is IP:PORT."""

    layer: LayerName
    peer: str


@dataclass(frozen=True, slots=True)
class AddressRefused:
    """Links with an IP address are refused from now on: it had so many `links` in one layer; for a minute.

    With `poses_as`, the same because it showed the id of the host that is listed at that address, and took its link.
    With neither: hosts at many addresses that nobody listed dial this one, and there is no room for this one more.
    """

    address: str
    links: int = 0
    poses_as: str = ""


@dataclass(frozen=True, slots=True)
class SwarmBroke:
    """The session cannot go on (disk full, for example)."""

    error: DcdistError


SwarmTrouble = PieceFailed | PeersLied | PeerBanned | AddressRefused

SwarmEvent = PiecesPassed | SwarmTrouble | SwarmBroke


@dataclass(frozen=True, slots=True)
class SwarmStatistics:
    """Payload bytes since the start; `wasted` came twice or failed its check; `peers` are connected now.

    `useful`: of those from peers, what was not found wrong or had already; never falls.
    """

    from_peers: int
    useful: int
    to_peers: int
    wasted: int
    peers: int
    peers_seen: int


class SwarmLayer(Protocol):
    """One layer in the swarm."""

    async def inject(self, piece: int, data: bytes) -> None:
        """Hand over a whole piece that came from elsewhere; returns when there is room for more.

        The result comes as an event. A piece that is had already is dropped without one.
        """
        ...

    def reserve(self, pieces: Bits) -> None:
        """Ask no peer for these from now on. Requests that are already on the wire stay."""
        ...

    def release(self, pieces: Bits) -> None:
        """Ask peers for these again."""
        ...

    def prefer(self, pieces: Bits, *, others: bool) -> None:
        """Ask peers for these before all others from now on, and for the others at all only if `others`.

        It replaces the pieces preferred before. Reserved pieces stay reserved.
        """
        ...

    def available(self) -> Bits:
        """The pieces that at least one connected peer had a moment ago."""
        ...

    async def latest_available(self) -> Bits:
        """The pieces that at least one connected peer has now: asked for, before something is drawn that a peer has."""
        ...

    def coming(self) -> Bits:
        """The pieces of which a peer is being asked for a part now, as far as that can be told."""
        ...

    async def flush(self) -> None:
        """When it returns, every piece reported as passed before the call is in the data file."""
        ...


class Swarm(Protocol):
    """The session, with all layers of a fetch."""

    @property
    def port(self) -> int:
        """The listening port; 0 if it does not listen."""
        ...

    @property
    def listening(self) -> tuple[Address, ...]:
        """Where it listens, all on one port: unspecified addresses for all of a family; none if nowhere."""
        ...

    async def add(self, layer: CachedLayer) -> SwarmLayer:
        """Take part in the swarm of `layer`, offering what it has; its data file is written from here on.

        Raises:
            SwarmError: The session refused.
        """
        ...

    def connect(self, address: str, port: int) -> None:
        """Trade with the host there, for all layers present and to come; again whenever the link is lost."""
        ...

    def forget(self, address: str, port: int) -> None:
        """Dial the host there no more. A link that there is stays; nothing happens if it was never asked for."""
        ...

    def contact(self, host: HostId | None, address: str, port: int) -> Contact | None:
        """How this host stands with the one that listens there, as of a moment ago; None: it is this host itself.

        `host` is the id of the other one; None: it is not known. Times are those of the event loop.
        """
        ...

    async def events(self) -> Sequence[SwarmEvent]:
        """Wait until something happened and take it, in order.

        Raises:
            SwarmError: It is closed, and all was taken.
        """
        ...

    def statistics(self) -> SwarmStatistics:
        """What was moved until a moment ago."""
        ...

    async def latest_statistics(self) -> SwarmStatistics:
        """What was moved until now: asked for, so that the sums of a fetch are whole."""
        ...

    def lacking(self) -> tuple[int, ...]:
        """What each linked host lacks that is not done yet, of the layers it has a link for: bytes, in whole pieces.

        As of a while ago, if there are many layers; it costs something.
        """
        ...

    def limit(self, *, up: float | None, down: float | None) -> None:
        """Bound the payload rates with all peers together, in bytes a second; None is no bound."""
        ...

    async def close(self) -> None:
        """Leave the swarm. All pieces that passed are in the data files when it returns."""
        ...
