"""What do linked hosts lack that are not done yet?

Every link is one of a layer, so what a host lacks is the sum over its links, which have its peer id.
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
    """What was seen last in each torrent; a few are looked at in one go, in turns."""

    def __init__(self) -> None:
        self._seen: dict[lt.torrent_handle, Counter[bytes]] = {}

    def look(self, known: Mapping[lt.torrent_handle, Geometry]) -> tuple[int, ...]:
        """Bytes that each host lacks of these torrents, in whole pieces; those that lack none are left out."""
        for handle in [each for each in known if each not in self._seen]:
            self._seen[handle] = Counter()
        # The first are those that were looked at longest ago.
        for handle in list(self._seen)[:LOOKS]:
            del self._seen[handle]
            if handle in known:
                self._seen[handle] = _lacking(handle, known[handle])
        total: Counter[bytes] = Counter()
        for lacking in self._seen.values():
            total.update(lacking)
        return tuple(lacked for lacked in total.values() if lacked)


def _lacking(handle: lt.torrent_handle, geometry: Geometry) -> Counter[bytes]:
    lacking: Counter[bytes] = Counter()
    for peer in ready(handle.get_peer_info()):
        lacking[peer.pid.to_bytes()] = (geometry.piece_count - peer.num_pieces) * geometry.piece_length
    return lacking
