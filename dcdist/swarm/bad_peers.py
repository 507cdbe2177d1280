"""Who gave wrong bytes: libtorrent tells that a piece failed, and leaves it to others to find out by whom.

A peer that gave a whole piece is banned for that torrent and cut off; if several gave blocks of a piece, each has one
failure more, and whom to ban turns out when the piece comes right.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import libtorrent as lt

_BANNED = {91, 93}
"""libtorrent's errors `peer_banned` and `too_many_corrupt_pieces`."""


class BadPeers:
    """What is known of the peers of one torrent."""

    def __init__(self) -> None:
        self._banned: list[str] = []
        self._failures: dict[str, int] = {}
        self._latest: tuple[str, ...] = ()

    def cut_off(self, alert: lt.peer_disconnected_alert) -> str | None:
        """A link ended; the peer's IP:PORT if it was for what it gave."""
        code = alert.error
        if code.value() not in _BANNED or code.category().name() != "libtorrent":
            return None
        peer = show(alert.endpoint)
        self._banned.append(peer)
        return peer

    def for_piece(self, peers: Iterable[lt.peer_info]) -> tuple[str, ...]:
        """The peers, as IP:PORT, one of which gave the piece that just failed; `peers` are those linked now.

        Several pieces of a peer may fail before its one link is cut off: if nobody else can have been it, those who
        were accused last are again.
        """
        self.accuses(peers)
        return self._latest

    def accuses(self, peers: Iterable[lt.peer_info]) -> bool:
        """Whether libtorrent accuses any of these, or of those that it cut off, since the last look."""
        accused = set(self._banned)
        self._banned.clear()
        for peer in peers:
            name = show(peer.ip)
            if peer.num_hashfails > self._failures.get(name, 0):
                self._failures[name] = peer.num_hashfails
                accused.add(name)
        if accused:
            self._latest = tuple(sorted(accused))
        return bool(accused)


def show(endpoint: tuple[str, int]) -> str:
    """IP:PORT, an IPv6 address in brackets."""
    address, port = endpoint
    return f"[{address}]:{port}" if ipaddress.ip_address(address).version == 6 else f"{address}:{port}"
