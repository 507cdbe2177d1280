"""Where this host listens, and the address that it announces: the one asked for, else the one that others reach best.

Invariant: an address that is found out is of the family that is listened on.
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
        self.listen: Address = reach.listen or (_ALL[self._family_to_listen()], 0)
        """Where to listen; port 0 is any free one."""
        self._family = _family(self.listen[0])

    def now(self, port: int) -> Address | None:
        """The address to announce for a host that listens on `port`; None: there is none that others could reach."""
        if self._reach.advertise is not None:
            return self._reach.advertise
        if not ip_address(self.listen[0]).is_unspecified:
            return self.listen[0], port
        address = choose([self._routes(self._family)])
        if address is None and self._is_directory:
            # Without a network, only hosts on this machine can share the directory.
            address = _LOOPBACK[self._family]
        return None if address is None else (address, port)

    def doubt(self, announced: Address) -> str:
        """Why others may not reach this host there, and what to do; empty if nothing speaks against it."""
        listens = f"this host listens on {_NAMES[self._family]} only"
        other = socket.AF_INET if self._family is socket.AF_INET6 else socket.AF_INET6
        if _family(announced[0]) is not self._family:
            return (
                f"{listens}, and announces {announced[0]}: others may not reach it. Listen on {_NAMES[other]} with "
                f"--listen {_written(_ALL[other])}:PORT (listen)"
            )
        if not ip_address(announced[0]).is_loopback or self._reach.advertise is not None:
            return ""
        if self._is_directory:
            elsewhere = ip_address(self.listen[0]).is_unspecified and choose([self._routes(other)])
        else:
            elsewhere = choose([self._routes(self._family), self._routes(other)])
        if not elsewhere or ip_address(elsewhere).is_loopback:
            return ""
        return (
            f"this host announces {announced[0]}, so only hosts on the same machine can connect to it: others need "
            f"--listen {_written(elsewhere)}:PORT (listen)"
        )

    def _family_to_listen(self) -> socket.AddressFamily:
        if self._reach.advertise is not None:
            return _family(self._reach.advertise[0])
        address = choose([self._routes(family) for family in _NAMES])
        return socket.AF_INET if address is None else _family(address)

    def _routes(self, family: socket.AddressFamily) -> Routes:
        return self._read(family, self._servers.get(family))


def choose(families: Sequence[Routes]) -> str | None:
    """The address that others reach best: the one towards the store, else towards anywhere, else of any interface.

    Earlier families come first where two are as good. None: there is no address but loopback.
    """
    to_store = [each.to_store for each in families]
    to_anywhere = [each.to_anywhere for each in families]
    interfaces = [address for each in families for address in each.interfaces]
    # Last of all come addresses that a host gave itself because nobody gave it one.
    interfaces.sort(key=lambda address: ip_address(address).is_link_local)
    return next((address for address in [*to_store, *to_anywhere, *interfaces] if address), None)


def _family(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _written(address: str) -> str:
    return f"[{address}]" if ":" in address else address
