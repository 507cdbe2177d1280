"""Where this host listens, and the address that it announces: the one asked for, else the one that others reach best.

Invariant: an address that is found out is of a family that is listened on.
"""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

from dcdist.node.interfaces import Routes, read_routes, server_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.engine.fetch_options import Reach
    from dcdist.model.identity import Address

_NAMES = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
_ALL = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}
_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


class OwnAddress:
    """Where this host is found. Making one blocks: it looks up the store's name; asking it does not."""

    def __init__(
        self,
        reach: Reach,
        store_host: str,
        *,
        read: Callable[[socket.AddressFamily, str | None], Routes] = read_routes,
        look_up: Callable[[str], dict[socket.AddressFamily, str]] = server_addresses,
    ) -> None:
        """`store_host` is the store's server, empty if it is a directory; `read` and `look_up` ask the system."""
        self._reach = reach
        self._is_directory = not store_host
        self._servers = look_up(store_host) if store_host else {}
        self._read = read
        self.listen: tuple[Address, ...] = (
            tuple((everywhere, 0) for everywhere in _ALL.values()) if reach.listen is None else (reach.listen,)
        )
        """Where to listen, on one port: an address of this host, or all of each family; port 0 is any free one."""

    @property
    def _asked_port(self) -> int:
        return self.listen[0][1]

    def now(self, listening: Sequence[Address]) -> Address | None:
        """The address to announce for a host that listens there; None: there is none that others could reach."""
        if self._reach.advertise is not None:
            return self._reach.advertise
        if not listening:
            return None
        here, port = listening[0]
        if not ip_address(here).is_unspecified:
            return here, port
        families = [_family(each) for each, _ in listening]
        address = choose([self._routes(family) for family in families])
        if address is None and self._is_directory:
            # Hosts on this machine can still reach it, and `doubt` says that no others can.
            address = _LOOPBACK[families[0]]
        return None if address is None else (address, port)

    def doubt(self, announced: Address, listening: Sequence[Address]) -> str:
        """Why others may not reach this host there, and what to do; empty if nothing speaks against it."""
        families = [_family(each) for each, _ in listening]
        others = [family for family in _NAMES if family not in families]
        if _family(announced[0]) in others:
            listened = " and ".join(_NAMES[family] for family in families)
            return (
                f"this host listens on {listened} only, and announces {announced[0]}: others may not reach it. Listen "
                f"on {_NAMES[others[0]]} with --listen {_written(_ALL[others[0]])}:PORT (listen)"
            )
        if self._reach.advertise is not None and not self._asked_port and announced[1] != listening[0][1]:
            return (
                f"this host announces port {announced[1]} and listens on {listening[0][1]}, which was free by chance: "
                f"others may not reach it. Give the port with --listen {_written(_ALL[_family(announced[0])])}:"
                f"{announced[1]} (listen)"
            )
        if not ip_address(announced[0]).is_loopback or self._reach.advertise is not None:
            return ""
        was_chosen = not ip_address(listening[0][0]).is_unspecified
        routes = [self._routes(family) for family in (*families, *others)]
        if was_chosen and (self._is_directory or any(_is_loopback(each.to_store) for each in routes)):
            return ""  # store and hosts may all be on this machine
        elsewhere = choose(routes)
        if not elsewhere or _is_loopback(elsewhere):
            if was_chosen:
                return ""
            return f"this host has no address but {announced[0]}: only hosts on this machine can reach it"
        return (
            f"this host announces {announced[0]}, so only hosts on the same machine can connect to it: others need "
            f"--listen {_written(elsewhere)}:PORT (listen)"
        )

    def _routes(self, family: socket.AddressFamily) -> Routes:
        return self._read(family, self._servers.get(family))


def choose(families: Sequence[Routes]) -> str | None:
    """The address that others reach best: the one towards the store, else towards anywhere, else of any interface.

    Earlier families come first where two are as good. A loopback address comes last: a store on this machine may be a
    tunnel's end, and hosts on this machine reach its other addresses too. None: there is none.
    """
    to_store = [each.to_store for each in families]
    to_anywhere = [each.to_anywhere for each in families]
    interfaces = [address for each in families for address in each.interfaces]
    # Last of all come addresses that a host gave itself because nobody gave it one.
    interfaces.sort(key=lambda address: ip_address(address).is_link_local)
    found = [address for address in [*to_store, *to_anywhere, *interfaces] if address]
    return min(found, key=_is_loopback, default=None)


def _is_loopback(address: str | None) -> bool:
    return address is not None and ip_address(address).is_loopback


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _written(address: str) -> str:
    return f"[{address}]" if ":" in address else address
