"""What a session moved, out of libtorrent's counters. Pure.

Invariant: `useful` never falls: bytes that are found wrong, or had already, count as useful only until that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Traffic:
    """Payload bytes since the start: `received` from peers and `sent` to them; `wasted` and `useful` of the former."""

    def __init__(self) -> None:
        self.received = 0
        self.sent = 0
        self.wasted = 0
        self.useful = 0

    def count(self, values: Mapping[str, int], *, injected_wrong: int) -> None:
        """Take the counters; `injected_wrong`: bytes from elsewhere that failed their check.

        libtorrent counts all pieces that failed, whoever they came from.
        """
        failed = max(0, values["net.recv_failed_bytes"] - injected_wrong)
        self.received = values["net.recv_payload_bytes"]
        self.sent = values["net.sent_payload_bytes"]
        self.wasted = values["net.recv_redundant_bytes"] + failed
        self.useful = max(self.useful, self.received - self.wasted)
