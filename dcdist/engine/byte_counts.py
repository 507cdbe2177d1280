"""Counts the bytes of a fetch by their source, for its progress and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.engine.fetch_events import Counted, Progress
from dcdist.ports.swarm import SwarmStatistics

if TYPE_CHECKING:
    from dcdist.engine.fetch_plan import FetchPlan
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits


class ByteCounts:
    """One fetch's sums, in bytes and bytes a second."""

    def __init__(self, plan: FetchPlan) -> None:
        self.swarm = SwarmStatistics(from_peers=0, useful=0, to_peers=0, wasted=0, peers=0, peers_seen=0)
        self.reused = 0
        self._layer_total = plan.layer_bytes
        self._layer_bytes = 0
        self._image_total = sum(planned.image.size for planned in plan.images)
        # Zeros are there from the start: the files are sparse.
        self._images = sum(planned.extents.size - planned.extents.content_length for planned in plan.images)
        self._drawn: dict[int, int] = {}
        self._store = 0
        self._from_store = 0.0
        self._from_peers = 0.0

    def had(self, index: Index, had: Bits) -> None:
        """These pieces were in the cache."""
        count = index.geometry.bytes_of(had)
        self.reused += count
        self._layer_bytes += count

    def copied(self, index: Index, copied: Bits) -> None:
        """These pieces were copied from other layers in the cache."""
        self.reused += index.geometry.bytes_of(copied)

    def finished(self, index: Index, came: Bits) -> None:
        """These pieces came."""
        self._layer_bytes += index.geometry.bytes_of(came)

    def drawn(self, draw: int, total: int) -> None:
        """A draw has brought `total` bytes so far."""
        self._store += total - self._drawn.get(draw, 0)
        self._drawn[draw] = total

    def written(self, count: int) -> None:
        """Bytes of images were written."""
        self._images += count

    def rates(self, *, store: float, peers: float) -> None:
        """Bytes a second from each source."""
        self._from_store, self._from_peers = store, peers

    def counted(self) -> Counted:
        """The sums so far."""
        return Counted(
            images=self._images,
            store=self._store,
            peers=self.swarm.from_peers,
            reused=self.reused,
            wasted=self.swarm.wasted,
            given=self.swarm.to_peers,
        )

    def progress(self) -> Progress:
        """The progress so far."""
        rate = self._from_store + self._from_peers
        left = self._layer_total - self._layer_bytes
        return Progress(
            bytes=self.counted(),
            layer_bytes=self._layer_bytes,
            layer_total=self._layer_total,
            image_total=self._image_total,
            from_store=self._from_store,
            from_peers=self._from_peers,
            peers=self.swarm.peers,
            seconds_left=left / rate if rate > 0 else (0.0 if left == 0 else None),
        )

    def left(self) -> str:
        """The missing bytes, for people."""
        return f"{(self._layer_total - self._layer_bytes) / 1e6:.1f} MB"
