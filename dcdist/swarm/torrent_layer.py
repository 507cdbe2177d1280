"""One layer in the swarm: a torrent, what is had of it, and what is being injected into it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.errors import InvariantError, SwarmError
from dcdist.model.pieces import each, of, span
from dcdist.ports.swarm import PeerBanned, PeersLied, PieceFailed
from dcdist.swarm.bad_peers import BadPeers
from dcdist.swarm.flushes import Flushes
from dcdist.swarm.torrent import present, present_once

if TYPE_CHECKING:
    from dcdist.errors import DcdistError
    from dcdist.model.geometry import Geometry
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits
    from dcdist.ports.layers import CachedLayer
    from dcdist.swarm.injection_limits import InjectionLimits
    from dcdist.swarm.pending_events import PendingEvents

_NOT_WANTED = 0
_LATER = 1
_WANTED = 4
_FIRST = 7
"""libtorrent's priorities. It weighs them with rarity: at 7 comes before what is up to seven times as rare at 1."""

_OVERDUE = 2.0
"""Seconds after which the result of an injection is asked for: a lost alert must not hold it for ever."""

_LOOK_LIMIT = 0.5
"""Seconds that a look at what peers have may take."""


class TorrentLayer:
    """Implements `SwarmLayer`; made by `TorrentSwarm.add`, which tells it what libtorrent reports."""

    def __init__(
        self, layer: CachedLayer, handle: lt.torrent_handle, *, intake: InjectionLimits, inbox: PendingEvents
    ) -> None:
        self._index: Index = layer.index
        self._have = layer.have
        self._handle = handle
        self._intake = intake
        self._inbox = inbox
        self._loop = asyncio.get_running_loop()
        self._flushes = Flushes(self._begin_flush)
        self._flush_begun = 0.0
        self._injected: dict[int, tuple[bytes, float]] = {}
        self._repeated: dict[int, int] = {}
        self._checked = 0
        self._settling = 0
        self._blame = BadPeers()
        self._claimed: Bits = 0
        self._preferred: Bits = 0
        self._usual = _WANTED
        self._available: Bits = 0
        self._single: Bits = 0
        self._linked = False
        self._waiting: list[asyncio.Future[None]] = []
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
        """Bytes that are not had, in whole pieces."""
        geometry = self._index.geometry
        return (geometry.piece_count - self._have.bit_count()) * geometry.piece_length

    # The port

    async def inject(self, piece: int, data: bytes) -> None:
        """Hand over a whole piece that came from elsewhere; returns when there was room for it.

        The result comes as an event. A piece that is had already, or on its way, is dropped without one; so is all
        after the session broke.

        Raises:
            SwarmError: The session is closed.
        """
        geometry = self._index.geometry
        if not 0 <= piece < geometry.piece_count or len(data) != geometry.piece_size(piece):
            raise InvariantError(f"layer {self._index.layer} has no piece {piece} of {len(data)} bytes")
        if self._known(piece):
            self._intake.wasted += len(data)
            return
        await self._intake.enter(len(data))
        if self._known(piece) or self._error:
            self._intake.dropped(len(data))
        else:
            self._hand_over(piece, data)
            await asyncio.sleep(0)  # it took a millisecond a MiB: others have the loop before the next
        if isinstance(self._error, SwarmError):
            raise self._error

    def reserve(self, pieces: Bits) -> None:
        """Ask no peer for these from now on. Requests that are on the wire already are not taken back."""
        self._claimed |= pieces
        self._prioritize(pieces)

    def release(self, pieces: Bits) -> None:
        """Ask peers for these again."""
        self._claimed &= ~pieces
        self._prioritize(pieces)

    def prefer(self, pieces: Bits, *, others: bool) -> None:
        """Ask peers for these before others from now on, and for the others at all only if `others`."""
        usual = _LATER if others else _NOT_WANTED
        if pieces == 0 and others:
            usual = _WANTED
        changed = self._preferred ^ pieces if usual == self._usual else span(0, self._index.geometry.piece_count)
        self._preferred, self._usual = pieces, usual
        self._prioritize(changed)

    def available(self) -> Bits:
        """The pieces that at least one connected peer has, as of the last quarter of a second."""
        if not self.complete or self._error:
            return self._available
        # libtorrent keeps no count for a torrent that needs nothing: look at each peer.
        everybody = 0
        for peer in self._handle.get_peer_info():
            everybody |= present(peer.pieces)
        return everybody

    def single(self) -> Bits:
        """The pieces that exactly one connected peer has, as of the last quarter of a second; none when complete."""
        return self._single

    async def latest_available(self) -> Bits:
        """The pieces that at least one connected peer has now; if the session does not tell in time, a moment ago."""
        if self._linked and not self.complete and not self._error:
            told = self._loop.create_future()
            self._waiting.append(told)
            self._handle.post_piece_availability()
            await asyncio.wait([told], timeout=_LOOK_LIMIT)
        return self.available()

    def coming(self) -> Bits:
        """The pieces of which a peer is being asked for a block now: those that libtorrent has begun."""
        if self.complete or self._error:
            return 0
        begun = of(
            piece["piece_index"]
            for piece in self._handle.get_download_queue()
            if any(block["num_peers"] for block in piece["blocks"])
        )
        return begun & ~self._have

    async def flush(self) -> None:
        """When it returns, every piece reported as finished before the call is in the data file.

        Raises:
            DcdistError: The session broke or is closed, so nobody can tell.
        """
        if self._error:
            raise self._error
        await self._flushes.wait()

    # What libtorrent reports

    def finished(self, piece: int) -> None:
        """A piece passed its check."""
        self._accept(1 << piece)

    def spoiled(self, piece: int) -> None:
        """A piece failed its check, and is missing again."""
        data, _ = self._injected.pop(piece, (b"", 0.0))
        name = self._index.layer
        if data and hashlib.sha1(data, usedforsecurity=False).digest() != self._expected(piece):
            self._intake.spoiled(len(data))
            self._inbox.trouble(PieceFailed(name, piece, injected=True))
            return
        if data:
            self._hand_over(piece, data)
        if self._is_of_a_repetition(piece):
            return
        if data:
            # What was injected is right: a block of the piece came from a peer before, and was not.
            self._inbox.trouble(PeersLied(name, piece, self._suspects()))
        else:
            self._inbox.trouble(PieceFailed(name, piece, injected=False, peers=self._suspects()))

    def cut_off(self, alert: lt.peer_disconnected_alert) -> None:
        """A link was lost; if it was for what the peer gave, that is told."""
        peer = self._blame.cut_off(alert)
        if peer is not None:
            self._inbox.trouble(PeerBanned(self._index.layer, peer))

    def flushed(self) -> None:
        """All that was finished when the flush began is in the file."""
        if self._flushes.heard():
            self._intake.settled(self._settling)
            self._settling = 0
            self._flushes.ended()

    def seen(self, counts: list[int]) -> None:
        """How many peers have each piece; empty if there are none."""
        self._available = present(counts)
        self._single = present_once(counts)
        self._tell_waiting()

    # Housekeeping

    def look(self, *, linked: bool) -> None:
        """Ask for what the peers have, and for the result of injections and flushes that are overdue."""
        self._linked = linked
        if linked and not self.complete:
            self._handle.post_piece_availability()
        else:
            self._available = self._single = 0
        now = self._loop.time()
        oldest = next(iter(self._injected.values()), None)
        if oldest and now - oldest[1] > _OVERDUE:
            self.catch_up()
        if self._flushes.running and now - self._flush_begun > _OVERDUE:
            self._flush_begun = now
            self._flushes.repeated()
            self._handle.flush_cache()

    def catch_up(self) -> None:
        """Find out what is had, because alerts may be lost; hand over again what is not."""
        pieces: list[bool] = self._handle.status(lt.torrent_handle.query_pieces).pieces
        self._accept(present(pieces) & ~self._have)
        for piece, (data, _) in list(self._injected.items()):
            del self._injected[piece]
            self._repeated[piece] = self._repeated.get(piece, 0) + 1
            self._hand_over(piece, data)

    def settle(self) -> None:
        """Have injected bytes written, if there are any that may not be."""
        if self._checked:
            self._flushes.demand()

    def end(self, error: DcdistError) -> None:
        """The session broke, or is being closed."""
        self._error = self._error or error
        self._injected.clear()
        self._repeated.clear()
        self._flushes.fail(error)
        self._tell_waiting()

    # Inside

    def _tell_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            if not told.done():
                told.set_result(None)

    def _is_of_a_repetition(self, piece: int) -> bool:
        """Whether a failed check is of bytes that were handed over again though their result was only late.

        Then it was told when they failed the first time, and is no peer's fault.
        """
        left = self._repeated.get(piece, 0)
        if not left:
            return False
        self._repeated[piece] = left - 1
        return not self._blame.accuses(self._handle.get_peer_info())

    def _known(self, piece: int) -> bool:
        return bool(self._have >> piece & 1) or piece in self._injected

    def _suspects(self) -> tuple[str, ...]:
        return self._blame.for_piece(self._handle.get_peer_info())

    def _expected(self, piece: int) -> bytes:
        return self._index.piece_hashes[piece * 20 : piece * 20 + 20]

    def _hand_over(self, piece: int, data: bytes) -> None:
        self._injected[piece] = (data, self._loop.time())
        self._handle.add_piece(piece, data, 0)

    def _accept(self, pieces: Bits) -> None:
        for piece in each(pieces):
            self._repeated.pop(piece, None)
            data, _ = self._injected.pop(piece, (b"", 0.0))
            if data:
                self._intake.checked(len(data))
                self._checked += len(data)
        fresh = pieces & ~self._have
        if fresh:
            self._have |= fresh
            self._inbox.finished(self._index.layer, fresh)

    def _prioritize(self, pieces: Bits) -> None:
        lacking = pieces & ~self._have & span(0, self._index.geometry.piece_count)
        if lacking and not self._error:
            self._handle.prioritize_pieces([(piece, self._priority(piece)) for piece in each(lacking)])

    def _priority(self, piece: int) -> int:
        if self._claimed >> piece & 1:
            return _NOT_WANTED
        return _FIRST if self._preferred >> piece & 1 else self._usual

    def _begin_flush(self) -> None:
        self._settling, self._checked = self._checked, 0
        self._flush_begun = self._loop.time()
        self._handle.flush_cache()
