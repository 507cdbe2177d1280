"""The bytes that linked hosts still lack.

Every link belongs to one layer and carries the host's peer id, so what a host lacks is the sum over its links.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dcdist.swarm.links import LOOKS, ready

if TYPE_CHECKING:
    from collections.abc import Mapping

    import libtorrent as lt

    from dcdist.model.geometry import Geometry


class PeersMissing:
    """What each torrent showed when it was last looked at; a few are looked at in one call, in turns."""

    def __init__(self) -> None:
        self._seen: dict[lt.torrent_handle, Counter[bytes]] = {}

    def look(self, known: Mapping[lt.torrent_handle, Geometry]) -> tuple[int, ...]:
        """The bytes that each host lacks of these torrents, in whole pieces; complete hosts are left out."""
        for handle in [each for each in known if each not in self._seen]:
            self._seen[handle] = Counter()
        # The first were looked at longest ago.
        for handle in list(self._seen)[:LOOKS]:
            del self._seen[handle]
            if handle in known:
                self._seen[handle] = _missing(handle, known[handle])
        total: Counter[bytes] = Counter()
        for missing in self._seen.values():
            total.update(missing)
        return tuple(count for count in total.values() if count)


def _missing(handle: lt.torrent_handle, geometry: Geometry) -> Counter[bytes]:
    missing: Counter[bytes] = Counter()
    for peer in ready(handle.get_peer_info()):
        missing[peer.pid.to_bytes()] = (geometry.piece_count - peer.num_pieces) * geometry.piece_length
    return missing
