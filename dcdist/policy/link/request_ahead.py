"""For how many seconds are blocks asked for ahead? For three while much is missing, for one towards the end.

libtorrent asks a peer for as many blocks as come in this time at the rate that the peer gives now, for two at least. A
link on which an answer takes longer than that falls to two blocks for each answer, and stays there: TCP gives a flow
that never has more to send little of a full link. With one second that happened where uplinks are slow: 12 to 18 of the
56 links between eight hosts carried a sixth of what others did, and who had most of them got half of what others got.

But what was asked for stands in line, and at the end the longest line is what all wait for.
"""

from __future__ import annotations

from dcdist.policy.link.throughput import Throughput

USUAL = 3
"""Seconds while much is missing."""

AT_THE_END = 1
"""Seconds towards the end."""

_END = 15.0
"""Seconds of what comes from peers that are missing when the end begins."""


class Ahead:
    """Follows what is missing and how fast it comes from peers."""

    def __init__(self) -> None:
        self._received = Throughput()

    def seconds(self, *, received: int, missing: int, now: float) -> int:
        """How many, when peers gave `received` bytes so far and `missing` bytes are not had."""
        self._received.count(received, now=now)
        return USUAL if missing > self._received.rate(now=now) * _END else AT_THE_END
