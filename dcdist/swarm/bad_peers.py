"""The peers that gave wrong bytes. libtorrent reports that a piece failed, but not which peer gave it.

libtorrent bans a peer that gave a whole wrong piece, for that torrent, and cuts it off. If several peers gave blocks of
the piece, it counts one failure for each of them, and bans the right one when the piece passes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model.identity import show_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    import libtorrent as lt

_BANNED = {91, 93}
"""libtorrent's errors `peer_banned` and `too_many_corrupt_pieces`."""


class BadPeers:
    """The suspects and the banned peers of one torrent."""

    def __init__(self) -> None:
        self._banned: list[str] = []
        self._failures: dict[str, int] = {}
        self._latest: tuple[str, ...] = ()

    def cut_off(self, alert: lt.peer_disconnected_alert) -> str | None:
        """A link ended: the peer's IP:PORT if libtorrent banned it; else None."""
        code = alert.error
        if code.value() not in _BANNED or code.category().name() != "libtorrent":
            return None
        peer = show_address(alert.endpoint)
        self._banned.append(peer)
        return peer

    def suspects(self, peers: Iterable[lt.peer_info]) -> tuple[str, ...]:
        """The peers (IP:PORT) of which at least one gave the piece that just failed; `peers` are linked now.

        Several pieces of a peer may fail before its one link is cut off. If libtorrent accuses no other peer, the last
        suspects are suspected again.
        """
        self.accuses(peers)
        return self._latest

    def accuses(self, peers: Iterable[lt.peer_info]) -> bool:
        """Whether libtorrent has accused any of `peers`, or banned a peer, since the last call."""
        accused = set(self._banned)
        self._banned.clear()
        for peer in peers:
            name = show_address(peer.ip)
            if peer.num_hashfails > self._failures.get(name, 0):
                self._failures[name] = peer.num_hashfails
                accused.add(name)
        if accused:
            self._latest = tuple(sorted(accused))
        return bool(accused)
