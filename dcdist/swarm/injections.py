"""The injected pieces of one torrent: until libtorrent has checked them, and then until a flush has them in the file.

Invariant: the result of every injection is learnt. If it is late, its alert may be lost: then the piece is handed over
again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.swarm.flushes import Flushes

if TYPE_CHECKING:
    import libtorrent as lt

    from dcdist.errors import DcdistError
    from dcdist.swarm.injection_limits import InjectionLimits

_OVERDUE = 2.0
"""Seconds after which the result of an injection or a flush is late."""


class Injections:
    """The pieces (with their bytes) that were handed to the torrent `handle`; `limits` counts them for all layers."""

    def __init__(self, handle: lt.torrent_handle, limits: InjectionLimits) -> None:
        self._handle = handle
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._unchecked: dict[int, tuple[bytes, float]] = {}
        self._repeats: dict[int, int] = {}
        self._checked = 0
        self._settling = 0
        self._flushes = Flushes(self._begin_flush)
        self._flush_begun = 0.0

    def __contains__(self, piece: int) -> bool:
        """Whether the piece was handed over and its result has not come."""
        return piece in self._unchecked

    @property
    def overdue(self) -> bool:
        """Whether the result of the oldest injection is late."""
        oldest = next(iter(self._unchecked.values()), None)
        return oldest is not None and self._loop.time() - oldest[1] > _OVERDUE

    def hand_over(self, piece: int, data: bytes) -> None:
        """Give a piece to libtorrent."""
        self._unchecked[piece] = (data, self._loop.time())
        self._handle.add_piece(piece, data, 0)

    def hand_over_again(self) -> None:
        """Give all pieces without a result to libtorrent once more."""
        for piece, (data, _) in list(self._unchecked.items()):
            del self._unchecked[piece]
            self._repeats[piece] = self._repeats.get(piece, 0) + 1
            self.hand_over(piece, data)

    def take(self, piece: int) -> bytes:
        """The bytes of a piece whose result came; it is forgotten here. Empty if it was not injected."""
        data, _ = self._unchecked.pop(piece, (b"", 0.0))
        return data

    def passed(self, piece: int) -> None:
        """A piece passed its check, injected or not."""
        self._repeats.pop(piece, None)
        data = self.take(piece)
        if data:
            self._limits.checked(len(data))
            self._checked += len(data)

    def is_repeat(self, piece: int) -> bool:
        """Whether the check that just failed may be of a piece that was handed over again. Each repeat counts once."""
        left = self._repeats.get(piece, 0)
        if left:
            self._repeats[piece] = left - 1
        return left > 0

    async def flush(self) -> None:
        """When it returns, every piece that passed before the call is in the data file.

        Raises:
            DcdistError: The session broke or is closed.
        """
        await self._flushes.wait()

    def settle(self) -> None:
        """Begin a flush if checked bytes may not be in the file."""
        if self._checked:
            self._flushes.demand()

    def flushed(self) -> None:
        """Libtorrent acknowledged a flush."""
        if self._flushes.acknowledged():
            self._limits.settled(self._settling)
            self._settling = 0
            self._flushes.ended()

    def repeat_late_flush(self) -> None:
        """Begin the running flush once more if its acknowledgement is late."""
        if self._flushes.running and self._loop.time() - self._flush_begun > _OVERDUE:
            self._flush_begun = self._loop.time()
            self._flushes.repeated()
            self._handle.flush_cache()

    def end(self, error: DcdistError) -> None:
        """The session broke or is closing: forget all pieces and fail all flushes."""
        self._unchecked.clear()
        self._repeats.clear()
        self._flushes.fail(error)

    def _begin_flush(self) -> None:
        self._settling, self._checked = self._checked, 0
        self._flush_begun = self._loop.time()
        self._handle.flush_cache()
