"""The other hosts: which to be linked with, and which are.

Every link is one of a layer, so a host counts once however many there are: by its peer id, the same for all layers.
"""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.errors import SwarmError

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNDER_WAY = lt.peer_info.connecting | lt.peer_info.handshake
LOOKS = 8
"""Torrents to look at in one go: each look is a fraction of a millisecond on the event loop."""


class Links:
    """Endpoints that were asked for, and the hosts that are linked now and were ever."""

    def __init__(self) -> None:
        self._endpoints: dict[tuple[str, int], None] = {}
        self._hosts: dict[lt.torrent_handle, frozenset[bytes]] = {}
        self._changed: dict[lt.torrent_handle, None] = {}
        self._now: frozenset[bytes] = frozenset()
        self._ever: set[bytes] = set()

    @property
    def endpoints(self) -> tuple[tuple[str, int], ...]:
        """Address and port of the hosts to be linked with."""
        return tuple(self._endpoints)

    @property
    def now(self) -> int:
        """Hosts linked at the moment."""
        return len(self._now)

    @property
    def ever(self) -> int:
        """Hosts that were linked at some time."""
        return len(self._ever)

    def want(self, address: str, port: int, *, own_port: int) -> tuple[str, int] | None:
        """Note a host to be linked with; None if that is nothing new, or this host itself.

        Raises:
            SwarmError: The address is not an IP address, or the port not one.
        """
        endpoint = _endpoint(address, port)
        if endpoint in self._endpoints or (port == own_port and _is_local(endpoint[0])):
            return None
        self._endpoints[endpoint] = None
        return endpoint

    def forget(self, address: str, port: int) -> None:
        """A host is not to be dialled any more.

        libtorrent itself tries a few times more when the link is lost, and then gives it up.

        Raises:
            SwarmError: The address is not an IP address, or the port not one.
        """
        self._endpoints.pop(_endpoint(address, port), None)

    def connect(self, handle: lt.torrent_handle) -> None:
        """Link a torrent with all hosts it is not linked with."""
        for endpoint in self._endpoints:
            connect(handle, endpoint)

    def came(self, handle: lt.torrent_handle) -> None:
        """A link of that torrent came."""
        self._changed[handle] = None

    def lost(self, handle: lt.torrent_handle, host: lt.sha1_hash) -> None:
        """A link with that peer id is no more; all zeros if it never told."""
        self._changed[handle] = None
        if not host.is_all_zeros():
            self._ever.add(host.to_bytes())  # it may have been too short to be seen

    def look(self, known: Iterable[lt.torrent_handle]) -> None:
        """Find out who is linked in some of the torrents where that changed."""
        handles = set(known)
        for handle in list(self._changed)[:LOOKS]:
            del self._changed[handle]
            if handle in handles:
                self._look_at(handle)
        self._now = frozenset().union(*self._hosts.values())
        self._ever |= self._now

    def _look_at(self, handle: lt.torrent_handle) -> None:
        peers = handle.get_peer_info()
        linked = ready(peers)
        self._hosts[handle] = frozenset(peer.pid.to_bytes() for peer in linked)
        if len(linked) < len(peers):
            self._changed[handle] = None


def ready(peers: list[lt.peer_info]) -> list[lt.peer_info]:
    """Those whose links are made, not under way."""
    return [peer for peer in peers if not peer.flags & _UNDER_WAY]


def connect(handle: lt.torrent_handle, endpoint: tuple[str, int]) -> None:
    """Have libtorrent link with a host, if it is not.

    libtorrent waits longer after each failure; for hosts named by a tracker, as it thinks, it forgets one failure
    each time. So a host that comes back is found within seconds.
    """
    handle.connect_peer(endpoint, lt.peer_info.tracker)


def _endpoint(address: str, port: int) -> tuple[str, int]:
    try:
        parsed = ip_address(address)
    except ValueError:
        raise SwarmError(f"{address!r} is not an IP address to connect to") from None
    if not 0 < port < 1 << 16:
        raise SwarmError(f"{port} is not a port to connect to")
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped), port
    return str(parsed), port


def _is_local(address: str) -> bool:
    """Whether the address is one of this machine's: only such can be bound to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
