"""The other hosts: the ones to be linked with, and the ones that are.

Every link belongs to one layer. A host has one peer id for all layers and counts once, however many links it has.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.errors import SwarmError
from dcdist.local_addresses import is_local
from dcdist.policy.fleet.reachability import Contact
from dcdist.swarm.admission import Admission
from dcdist.swarm.dials import Dials
from dcdist.swarm.settings import peer_id_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dcdist.model.identity import Address, HostId

_UNDER_WAY = lt.peer_info.connecting | lt.peer_info.handshake
LOOKS = 8
"""Torrents to look at in one call: each look takes a fraction of a millisecond on the event loop."""

_REMEMBERED = 20_000
"""Endpoints that are remembered as wanted once: libtorrent goes on to dial those that are not wanted any more."""

_DUPLICATE = 79
"""libtorrent's error `duplicate_peer_id`: of two links that show one id, the higher of both ids keeps its dial."""


class Links:
    """The endpoints to be linked with, and the hosts that are linked now or ever were."""

    def __init__(
        self, hung_up: Callable[[Address], None] = lambda _: None, dialled: Callable[[], None] = lambda: None
    ) -> None:
        """`hung_up` is told of each host that was dialled and hung up, `dialled` when anything came of a dial."""
        self._hung_up = hung_up
        self._dialled = dialled
        self.admission = Admission()
        self._endpoints: dict[Address, None] = {}
        self._ever_wanted: set[Address] = set()
        self._dials = Dials()
        self._homes: dict[bytes, Address] = {}
        self._hosts: dict[lt.torrent_handle, frozenset[bytes]] = {}
        self._places: dict[lt.torrent_handle, frozenset[Address]] = {}
        self._addresses: dict[lt.torrent_handle, Counter[str]] = {}
        self._changed: dict[lt.torrent_handle, None] = {}
        self._now: frozenset[bytes] = frozenset()
        self._ever: set[bytes] = set()

    @property
    def endpoints(self) -> tuple[Address, ...]:
        """The hosts to be linked with."""
        return tuple(self._endpoints)

    @property
    def now(self) -> int:
        """Number of hosts linked now."""
        return len(self._now)

    @property
    def ever(self) -> int:
        """Number of hosts that were linked at any time."""
        return len(self._ever)

    def want(self, address: str, port: int, *, own: Sequence[Address]) -> Address | None:
        """Note a host to be linked with; None if it is known already, or is this host itself, which listens at `own`.

        Raises:
            SwarmError: The address is not an IP address, or the port is not valid.
        """
        endpoint = _endpoint(address, port)
        if endpoint in self._endpoints or any(_listens_at(each, endpoint) for each in own):
            return None
        self._endpoints[endpoint] = None
        if len(self._ever_wanted) >= _REMEMBERED:
            self._ever_wanted = set(self._endpoints)
        self._ever_wanted.add(endpoint)
        self.admission.want(endpoint[0])
        return endpoint

    def forget(self, address: str, port: int, *, now: float) -> None:
        """Dial a host no more; `now` in seconds.

        When the link is lost, libtorrent itself tries a few more times and then gives up.

        Raises:
            SwarmError: The address is not an IP address, or the port is not valid.
        """
        endpoint = _endpoint(address, port)
        if endpoint in self._endpoints:
            del self._endpoints[endpoint]
            # A link may be too new to have been seen.
            linked = bool(self._changed) or any(endpoint[0] in addresses for addresses in self._addresses.values())
            self.admission.forget(endpoint[0], linked=linked, now=now)
        self._dials.forget(endpoint)
        self._homes = {peer_id: home for peer_id, home in self._homes.items() if home != endpoint}

    def connect(self, handle: lt.torrent_handle, *, now: float) -> None:
        """Link a torrent with every host that it is not linked with."""
        for endpoint in self._endpoints:
            self.dial(handle, endpoint, now=now)

    def dial(self, handle: lt.torrent_handle, endpoint: Address, *, now: float) -> None:
        """Have libtorrent link a torrent with a host, unless it is linked; `now` in seconds.

        libtorrent waits longer after each failure. Each time a tracker names a host, it forgets one of the failures; so
        we claim to be a tracker, and a host that comes back is found within seconds.
        """
        self._dials.began(endpoint, now=now)
        handle.connect_peer(endpoint, lt.peer_info.tracker)

    def contact(self, host: HostId | None, place: Address, *, own: Sequence[Address]) -> Contact | None:
        """How this host stands with the one at `place`; None: it is this host itself, which listens at `own`.

        `host` is the id of the other one; None: it is not known. Whoever shows that id elsewhere and takes the link of
        this place is refused from then on.

        Raises:
            SwarmError: The address is not an IP address, or the port is not valid.
        """
        place = _endpoint(*place)
        if any(_listens_at(each, place) for each in own):
            return None
        if host is not None and place in self._endpoints:
            self._homes[peer_id_of(host)] = place
        linked = host is not None and peer_id_of(host) in self._now
        linked = linked or any(place in places for places in self._places.values())
        silent_since, failure = self._dials.silence(place)
        return Contact(place, linked, silent_since, failure)

    def came(self, handle: lt.torrent_handle) -> None:
        """A torrent got a link."""
        self._dialled()
        self._changed[handle] = None

    def lost(self, alert: lt.peer_disconnected_alert, *, now: float) -> None:
        """A link ended, or a dial did; `now` in seconds."""
        self._dialled()
        self._changed[alert.handle] = None
        if not alert.pid.is_all_zeros():  # the handshake was complete
            self._ever.add(alert.pid.to_bytes())  # the link may have been too short to be seen
            if self.admission.met(alert.endpoint[0]):
                self._guest_left(alert)
        elif alert.endpoint not in self._ever_wanted:
            self.admission.strayed(alert.endpoint, now=now)
        if alert.error.value() == _DUPLICATE and alert.error.category().name() == "libtorrent":
            self._unmask(alert, now=now)
        if self._dials.ended(alert, now=now):
            self._hung_up(alert.endpoint)

    def _unmask(self, alert: lt.peer_disconnected_alert, *, now: float) -> None:
        """A link gave way to one that shows the same id: if a listed host's did to a stranger's, refuse the stranger.

        Ids are no secret, so anybody can show them. Which host it is that is cut off, its id says, else its endpoint.
        """
        address, peer_id = alert.endpoint[0], alert.pid.to_bytes()
        if alert.pid.is_all_zeros():
            ids = {each for each, home in self._homes.items() if home == alert.endpoint}
        else:
            ids = {each for each, home in self._homes.items() if each == peer_id and home[0] == address}
        if ids:
            for peer in alert.handle.get_peer_info():
                if peer.pid.to_bytes() in ids and peer.ip[0] != address:
                    self.admission.posed(peer.ip[0], as_host=address, now=now)

    def _guest_left(self, alert: lt.peer_disconnected_alert) -> None:
        """One link of a guest ended. The port that it named is forgotten with the last, before it is dialled."""
        address = alert.endpoint[0]
        self._look_at(alert.handle)
        is_sure = self._changed.keys() <= {alert.handle}
        if is_sure and not any(address in addresses for addresses in self._addresses.values()):
            self.admission.left(address)

    def look(self, known: Iterable[lt.torrent_handle], *, now: float) -> None:
        """Find the linked hosts of some torrents whose links changed; `now` in seconds."""
        handles, changed = set(known), list(self._changed)
        for handle in changed[:LOOKS]:
            del self._changed[handle]
            if handle in handles:
                self._look_at(handle)
        self._now = frozenset().union(*self._hosts.values())
        self._ever |= self._now
        self.admission.review(tuple(self._addresses.values()), sure=len(changed) <= LOOKS, now=now)

    def _look_at(self, handle: lt.torrent_handle) -> None:
        peers = handle.get_peer_info()
        linked = ready(peers)
        self._hosts[handle] = frozenset(peer.pid.to_bytes() for peer in linked)
        self._places[handle] = frozenset(peer.ip for peer in linked)
        self._addresses[handle] = Counter(peer.ip[0] for peer in linked)
        for place in self._places[handle]:
            self._dials.answered(place)
        if len(linked) < len(peers):
            self._changed[handle] = None


def ready(peers: list[lt.peer_info]) -> list[lt.peer_info]:
    """The peers whose links are complete."""
    return [peer for peer in peers if not peer.flags & _UNDER_WAY]


def _endpoint(address: str, port: int) -> Address:
    try:
        parsed = ip_address(address)
    except ValueError:
        raise SwarmError(f"cannot connect to {address!r}: it is not an IP address") from None
    if not 0 < port < 1 << 16:
        raise SwarmError(f"cannot connect to {address} port {port}: ports are 1 to 65535")
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped), port
    return str(parsed), port


def _listens_at(own: Address, endpoint: Address) -> bool:
    """Whether a host that listens at `own` listens at this endpoint."""
    if own[1] != endpoint[1]:
        return False
    listening, address = ip_address(own[0]), ip_address(endpoint[0])
    if listening.is_unspecified:
        # On all addresses of its family: no other host of this machine can have the port.
        return listening.version == address.version and is_local(endpoint[0])
    return listening == address
