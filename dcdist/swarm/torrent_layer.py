"""One layer in the swarm: the pieces it has, those that peers are asked for, and what becomes of injected ones.

Invariant: a piece is reported as passed once, and is had from then on.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.errors import InvariantError, SwarmError
from dcdist.model.pieces import each, span
from dcdist.ports.swarm import PeerBanned, PeersLied, PieceFailed
from dcdist.swarm.availability import Availability
from dcdist.swarm.bad_peers import BadPeers
from dcdist.swarm.download_queue import DownloadQueue
from dcdist.swarm.injections import Injections
from dcdist.swarm.priorities import Priorities
from dcdist.swarm.torrent import present

if TYPE_CHECKING:
    from dcdist.errors import DcdistError
    from dcdist.model.geometry import Geometry
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.pending_events import PendingEvents
    from dcdist.swarm.injection_limits import InjectionLimits


class TorrentLayer:
    """Implements `SwarmLayer`; made by `TorrentSwarm.add`. The alert dispatch calls it with what libtorrent reports."""

    def __init__(
        self, layer: CachedLayer, handle: lt.torrent_handle, *, limits: InjectionLimits, events: PendingEvents
    ) -> None:
        self._index: Index = layer.index
        self._have = layer.have
        self._handle = handle
        self._limits = limits
        self._events = events
        self._injections = Injections(handle, limits)
        self._priorities = Priorities(layer.index.geometry.piece_count)
        self._availability = Availability(handle.post_piece_availability)
        self._queue = DownloadQueue(handle.get_download_queue, asyncio.get_running_loop().time)
        self._bad_peers = BadPeers()
        self._lied: list[int] = []
        self._error: DcdistError | None = None

    @property
    def complete(self) -> bool:
        """Whether all pieces are had."""
        return self._have == span(0, self._index.geometry.piece_count)

    @property
    def geometry(self) -> Geometry:
        """Its pieces."""
        return self._index.geometry

    @property
    def missing(self) -> int:
        """Bytes of the pieces that are not had, each counted as a full one."""
        geometry = self._index.geometry
        return (geometry.piece_count - self._have.bit_count()) * geometry.piece_length

    # The port

    async def inject(self, piece: int, data: bytes) -> None:
        """Hand over a whole piece that came from elsewhere; returns when there was room for it.

        The result comes as an event. A piece that is had or was injected already is dropped without one; after the
        session broke, every piece is.

        Raises:
            SwarmError: The session is closed.
        """
        geometry = self._index.geometry
        if not 0 <= piece < geometry.piece_count or len(data) != geometry.piece_size(piece):
            raise InvariantError(f"layer {self._index.layer} has no piece {piece} of {len(data)} bytes")
        if self._known(piece):
            self._limits.wasted += len(data)
            return
        await self._limits.enter(len(data))
        if self._known(piece) or self._error:
            self._limits.dropped(len(data))
        else:
            self._injections.hand_over(piece, data)
            await asyncio.sleep(0)  # it took a millisecond a MiB: let other tasks run before the next
        if isinstance(self._error, SwarmError):
            raise self._error

    def reserve(self, pieces: Bits) -> None:
        """Ask no peer for these from now on. Requests that are already on the wire stay."""
        self._priorities.reserve(pieces)
        self._prioritize(pieces)

    def release(self, pieces: Bits) -> None:
        """Ask peers for these again."""
        self._priorities.release(pieces)
        self._prioritize(pieces)

    def prefer(self, pieces: Bits, *, others: bool) -> None:
        """Ask peers for these before others from now on, and for the others at all only if `others`."""
        self._prioritize(self._priorities.prefer(pieces, others=others))

    def available(self) -> Bits:
        """The pieces that at least one connected peer offered in the last quarter of a second."""
        if not self.complete or self._error:
            return self._availability.offered
        # libtorrent keeps no count for a torrent that needs nothing: look at each peer.
        offered = 0
        for peer in self._handle.get_peer_info():
            offered |= present(peer.pieces)
        return offered

    async def latest_available(self) -> Bits:
        """The pieces that at least one connected peer offers now; if the session is slow to answer, a moment ago."""
        if not self.complete and not self._error:
            # Also if no link is known yet: one may have come since the last housekeeping.
            await self._availability.answered()
        return self.available()

    def coming(self) -> Bits:
        """The missing pieces of which a peer was asked for a block half a second ago, or later."""
        if self.complete or self._error:
            return 0
        return self._queue.asked_for() & ~self._have

    async def flush(self) -> None:
        """When it returns, every piece that was reported as passed before the call is in the data file.

        Raises:
            DcdistError: The session broke or is closed, so the data file may lack pieces.
        """
        if self._error:
            raise self._error
        await self._injections.flush()

    # What libtorrent reports

    def passed(self, piece: int) -> None:
        """A piece passed its check."""
        self._accept(1 << piece)

    def failed(self, piece: int) -> None:
        """A piece failed its check, and is missing again."""
        data = self._injections.take(piece)
        name = self._index.layer
        if data and hashlib.sha1(data, usedforsecurity=False).digest() != self._expected(piece):
            self._limits.failed(len(data))
            self._events.trouble(PieceFailed(name, piece, injected=True))
            return
        if data:
            self._injections.hand_over(piece, data)
        if self._injections.is_repeat(piece) and not self._bad_peers.accuses(self._handle.get_peer_info()):
            return  # only the result was late: this failure was reported before, and no peer is to blame
        suspects = self._bad_peers.suspects(self._handle.get_peer_info())
        if data:
            # The injected bytes are right: a peer gave a wrong block of the piece before they came.
            self._lied.append(piece)
            if suspects:
                self._report_lies(suspects)
        else:
            self._events.trouble(PieceFailed(name, piece, injected=False, peers=suspects))

    def cut_off(self, alert: lt.peer_disconnected_alert) -> None:
        """A link was lost; report it if libtorrent banned the peer."""
        peer = self._bad_peers.cut_off(alert)
        if peer is not None:
            if self._lied:
                # Its link was gone when the piece failed, so no peer could be named until now.
                self._report_lies((peer,))
            self._events.trouble(PeerBanned(self._index.layer, peer))

    def _report_lies(self, suspects: tuple[str, ...]) -> None:
        lied, self._lied = self._lied, []
        for piece in lied:
            self._events.trouble(PeersLied(self._index.layer, piece, suspects))

    def flushed(self) -> None:
        """All pieces that had passed when the flush began are in the file."""
        self._injections.flushed()

    def seen(self, counts: list[int]) -> None:
        """How many peers offer each piece; empty if there are no peers."""
        self._availability.take(counts)

    # Housekeeping

    def look(self, *, linked: bool) -> None:
        """Ask what peers offer, and for the results of late injections and flushes."""
        if linked and not self.complete:
            self._availability.ask()
        else:
            self._availability.clear()
        if self._injections.overdue:
            self.catch_up()
        self._injections.repeat_late_flush()

    def catch_up(self) -> None:
        """Ask which pieces are had, because alerts may be lost, and hand over the others again."""
        pieces: list[bool] = self._handle.status(lt.torrent_handle.query_pieces).pieces
        self._accept(present(pieces) & ~self._have)
        self._injections.hand_over_again()

    def settle(self) -> None:
        """Begin a flush if injected bytes may not be in the file."""
        self._injections.settle()

    def end(self, error: DcdistError) -> None:
        """The session broke, or is being closed."""
        self._error = self._error or error
        self._injections.end(error)
        self._availability.end()

    # Inside

    def _known(self, piece: int) -> bool:
        return bool(self._have >> piece & 1) or piece in self._injections

    def _expected(self, piece: int) -> bytes:
        return self._index.piece_hashes[piece * 20 : piece * 20 + 20]

    def _accept(self, pieces: Bits) -> None:
        for piece in each(pieces):
            self._injections.passed(piece)
        fresh = pieces & ~self._have
        if fresh:
            self._have |= fresh
            self._events.passed(self._index.layer, fresh)

    def _prioritize(self, pieces: Bits) -> None:
        changed = pieces & ~self._have & span(0, self._index.geometry.piece_count)
        if changed and not self._error:
            self._handle.prioritize_pieces([(piece, self._priorities.of(piece)) for piece in each(changed)])
