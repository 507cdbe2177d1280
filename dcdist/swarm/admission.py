"""Which addresses may be linked: those where a host is wanted, and those of a few guests, which dialled this host.

libtorrent dials whatever address a peer names to it (`ut_holepunch`), unless a filter forbids the address. The same
filter refuses those who dial this host. But not everybody who does so rightly is known: a newcomer whom no look has
shown, a host of another prefix, one behind a gateway. So an unknown address is refused once and is a guest from then
on; the host there dials again within a moment (ADR 27).

Invariants: what a peer says admits no address; an address that goes beyond its bounds is shut out, whoever is there.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dcdist.ports.swarm import AddressRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcdist.model.identity import Address

GUESTS = 64
"""The most addresses of guests: beyond it, an address that nobody listed is refused."""

LINKS = 96
"""The most links of one address in one layer: 64 hosts of a prefix behind one gateway, and half as many others."""

LINKS_A_HOST = 2
"""Links more, for each host that is wanted at the address: one each way, until one of the two is given up."""

GUEST_LINKS = 256
"""The most links of all guests together in one layer."""

STRAYS = 64
"""The most ports of one address that are dialled within a minute though no host is wanted there: a peer named them."""

SHUT_OUT = 60.0
"""Seconds for which an address is refused that had more links, or a guest that had more strays or posed as a host."""

_CLEARED = 0.1
"""Seconds for which a wanted address with more strays is refused: libtorrent forgets the strays, and the links end."""

_CLEARED_EVERY = 5.0

_STAY = 60.0
"""Seconds for which a guest is waited for; one that was linked and is no more has to knock again."""

_STRAYS_COUNT = 60.0


class Admission:
    """The addresses, without ports; times are those of the caller's clock, in seconds."""

    def __init__(self) -> None:
        self.changes = 0
        """How often the addresses changed."""
        self._wanted: Counter[str] = Counter()
        self._guests: dict[str, float] = {}
        self._were_linked: set[str] = set()
        self._shut_out: dict[str, float] = {}
        self._strays: dict[str, dict[int, float]] = {}
        self._cleared: dict[str, float] = {}
        self._is_full = False
        self._refusals: list[AddressRefused] = []

    @property
    def wanted(self) -> frozenset[str]:
        """The addresses at which hosts are wanted, and that are not shut out."""
        return frozenset(self._wanted.keys() - self._shut_out.keys())

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses that may be linked: the wanted ones and the guests."""
        return self.wanted | self._guests.keys()

    def refusals(self) -> list[AddressRefused]:
        """What was refused since the last call, for people to know.

        Each address that is shut out, and the first one of a guest for which there is no room.
        """
        refusals, self._refusals = self._refusals, []
        return refusals

    def want(self, address: str) -> None:
        """One host more is wanted at an address."""
        self._wanted[address] += 1
        self._guests.pop(address, None)
        self._were_linked.discard(address)
        self.changes += 1

    def forget(self, address: str, *, linked: bool, now: float) -> None:
        """One host less is wanted at an address; while there is a link, it stays as a guest, for whom there is room."""
        self._wanted[address] -= 1
        if self._wanted[address] > 0:
            return
        del self._wanted[address]
        if linked and address not in self._shut_out:
            self._guests[address] = now
            self._were_linked.add(address)
        self.changes += 1

    def knocked(self, address: str, *, now: float) -> None:
        """Somebody at an address that is not admitted dialled this host, and was refused."""
        if address in self._shut_out or address in self._wanted or address in self._guests:
            return
        if len(self._guests) < GUESTS:
            self._guests[address] = now
            self.changes += 1
        elif not self._is_full:
            self._is_full = True
            self._refusals.append(AddressRefused(address))

    def met(self, address: str) -> bool:
        """There was a link with an address, perhaps too short to be seen by a review; whether it is a guest's."""
        if address not in self._guests:
            return False
        self._were_linked.add(address)
        return True

    def left(self, address: str) -> None:
        """A guest has no link any more: what it said of itself is forgotten with it, such as a port of its own."""
        del self._guests[address]
        self._were_linked.discard(address)
        self.changes += 1

    def strayed(self, place: Address, *, now: float) -> None:
        """This host dialled a place where no host was ever wanted: a peer named it."""
        self._strays.setdefault(place[0], {})[place[1]] = now

    def posed(self, address: str, *, as_host: str, now: float) -> None:
        """An address showed the id of a host that is listed at another one; if a guest did, it is shut out."""
        if address in self._guests:
            self._refuse(address, until=now + SHUT_OUT)
            self._refusals.append(AddressRefused(address, poses_as=as_host))

    def review(self, layers: Sequence[Mapping[str, int]], *, sure: bool = True, now: float) -> None:
        """Keep the bounds; `layers`: for each, how many links there are with each address.

        `sure`: no layer may have others by now.
        """
        self._end_refusals(now)
        self._bound_links(layers, now)
        self._bound_strays(now)
        linked = {address for links in layers for address in links}
        for address, seen in list(self._guests.items()):
            if address in linked:
                self._guests[address] = now
                self._were_linked.add(address)
            elif now - seen >= _STAY or (sure and address in self._were_linked):
                self.left(address)
        self._is_full = self._is_full and len(self._guests) >= GUESTS

    def _bound_links(self, layers: Sequence[Mapping[str, int]], now: float) -> None:
        for links in layers:
            for address, count in links.items():
                if count > LINKS + LINKS_A_HOST * self._wanted[address]:
                    self._shut(address, count, now)
            guests = {address: count for address, count in links.items() if address in self._guests}
            while sum(guests.values()) > GUEST_LINKS:
                most = max(guests, key=guests.__getitem__)
                self._shut(most, guests.pop(most), now)

    def _shut(self, address: str, links: int, now: float) -> None:
        if address not in self._shut_out:
            self._refuse(address, until=now + SHUT_OUT)
            self._refusals.append(AddressRefused(address, links))

    def _bound_strays(self, now: float) -> None:
        for address, ports in list(self._strays.items()):
            recent = {port: seen for port, seen in ports.items() if now - seen < _STRAYS_COUNT}
            self._strays[address] = recent
            if len(recent) > STRAYS and address in self._wanted:
                if now >= self._cleared.get(address, now):
                    self._cleared[address] = now + _CLEARED_EVERY
                    self._refuse(address, until=now + _CLEARED)
            elif len(recent) > STRAYS:
                self._refuse(address, until=now + SHUT_OUT)
            elif not recent:
                del self._strays[address]
                self._cleared.pop(address, None)

    def _refuse(self, address: str, *, until: float) -> None:
        self._shut_out[address] = max(until, self._shut_out.get(address, 0.0))
        self._guests.pop(address, None)
        self._were_linked.discard(address)
        self._strays.pop(address, None)
        self.changes += 1

    def _end_refusals(self, now: float) -> None:
        for address in [address for address, until in self._shut_out.items() if until <= now]:
            del self._shut_out[address]
            self.changes += 1
