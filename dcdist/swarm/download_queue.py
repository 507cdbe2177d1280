"""The pieces that one torrent asks peers for, as of a moment ago.

libtorrent describes the whole queue in a dict for each block. On a fast link that took a sixth of the event loop's time
when each draw looked anew. Invariant: the queue is read at most once in `FRESH` seconds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dcdist.model.pieces import of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import libtorrent as lt

    from dcdist.model.pieces import Bits

FRESH = 0.5
"""Seconds for which a look is fresh."""


class DownloadQueue:
    """What the last look showed; `read` gives libtorrent's queue of one torrent, `clock` the time in seconds."""

    def __init__(self, read: Callable[[], Sequence[lt.PartialPieceInfodict]], clock: Callable[[], float]) -> None:
        self._read = read
        self._clock = clock
        self._read_at = -math.inf
        self._asked_for: Bits = 0

    def asked_for(self) -> Bits:
        """The pieces of which some peer is asked for a block; some of them may have come since the last look."""
        now = self._clock()
        if now - self._read_at >= FRESH:
            self._read_at = now
            self._asked_for = of(
                piece["piece_index"] for piece in self._read() if any(block["num_peers"] for block in piece["blocks"])
            )
        return self._asked_for
