"""The bytes that a session moved, from libtorrent's counters. Pure.

Invariant: `useful` never falls: wrong and duplicate bytes count as useful only until libtorrent finds them out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Traffic:
    """Payload bytes since the start: `received` from peers (of these, `wasted` and `useful`) and `sent` to them."""

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.wasted = 0
        self.useful = 0

    def count(self, values: Mapping[str, int], *, injected_wrong: int) -> None:
        """Take libtorrent's counters; `injected_wrong` is the number of injected bytes that failed their check.

        libtorrent counts every piece that failed, from peers or injected.
        """
        failed = max(0, values["net.recv_failed_bytes"] - injected_wrong)
        self.received = values["net.recv_payload_bytes"]
        self.sent = values["net.sent_payload_bytes"]
        self.wasted = values["net.recv_redundant_bytes"] + failed
        self.useful = max(self.useful, self.received - self.wasted)
