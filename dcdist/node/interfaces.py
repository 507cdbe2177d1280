"""What the system says of this host's network: routes and interfaces. Sends nothing, and needs no rights.

Invariant: what the system does not say is left out; nothing here raises.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

ANYWHERE = {socket.AF_INET: "192.0.2.1", socket.AF_INET6: "2001:db8::1"}
"""Documentation addresses: a UDP socket is connected to one to see the way out."""

_IPV6_ADDRESSES = Path("/proc/net/if_inet6")
_GET_FLAGS, _GET_ADDRESS, _GET_MTU = 0x8913, 0x8915, 0x8921  # SIOCGIFFLAGS, SIOCGIFADDR, SIOCGIFMTU
_REQUEST = struct.Struct("16s24x")  # struct ifreq: a name, then what is asked for
_UP, _LOOPBACK, _RUNNING = 0x1, 0x8, 0x40
_UNUSABLE = 0x08 | 0x40  # IPv6: it is a duplicate, or may be one


@dataclass(frozen=True, slots=True)
class Routes:
    """What one address family offers, as text; None or empty: nothing.

    `to_store`, `to_anywhere`: the addresses from which this host would reach the store, and the Internet.
    `interfaces`: an address of each interface that is up, loopback left out, in the order of the interfaces.
    """

    to_store: str | None = None
    to_anywhere: str | None = None
    interfaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Interface:
    """An interface that is up: its name, an address of each family that others can use, its MTU (bytes; 0: unknown)."""

    name: str
    addresses: tuple[str, ...]
    mtu: int


def read_interfaces() -> tuple[Interface, ...]:
    """The interfaces that are up, loopback left out, in the order of the system."""
    ipv6 = _ipv6_by_interface()
    return tuple(
        Interface(name, tuple(address for address in (_ipv4_of(name), ipv6.get(name)) if address), _mtu_of(name))
        for name in _interfaces_up()
    )


def read_routes(family: socket.AddressFamily, server: str | None) -> Routes:
    """The routes of a family now. `server`: the store's address in this family, if it has one."""
    return Routes(
        to_store=None if server is None else source_towards(server, family),
        to_anywhere=source_towards(ANYWHERE[family], family),
        interfaces=_ipv6_addresses() if family is socket.AF_INET6 else _ipv4_addresses(),
    )


def server_addresses(host: str) -> dict[socket.AddressFamily, str]:
    """A server's first address of each family. Blocks: it looks up the name."""
    found: dict[socket.AddressFamily, str] = {}
    try:
        for family, _, _, _, place in socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM):
            found.setdefault(family, str(place[0]))
    except (OSError, UnicodeError):
        return {}
    return found


def source_towards(target: str, family: socket.AddressFamily) -> str | None:
    """The address of this host from which packets to `target` would go; None if there is no route."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            source = str(probe.getsockname()[0])
    except OSError:
        return None
    return source if _is_of_use(source) else None


def _is_of_use(text: str) -> bool:
    """Whether other hosts can use an address. An IPv6 link-local one needs the name of an interface of theirs."""
    address = ip_address(text)
    return not (address.is_unspecified or (address.version == 6 and address.is_link_local))


def _ipv4_addresses() -> tuple[str, ...]:
    return tuple(address for name in _interfaces_up() if (address := _ipv4_of(name)))


def _ipv4_of(name: str) -> str:
    answer = _ask(name, _GET_ADDRESS)
    return socket.inet_ntoa(answer[20:24]) if answer else ""


def _mtu_of(name: str) -> int:
    answer = _ask(name, _GET_MTU)
    return int(struct.unpack_from("i", answer, 16)[0]) if answer else 0


def _ipv6_addresses() -> tuple[str, ...]:
    found = _ipv6_by_interface()
    return tuple(found[name] for name in _interfaces_up() if name in found)


def _ipv6_by_interface() -> dict[str, str]:
    try:
        lines = _IPV6_ADDRESSES.read_text("ascii").splitlines()
    except (OSError, UnicodeError):
        return {}
    found: dict[str, str] = {}
    for line in lines:
        packed, _, _, _, flags, name = line.split()
        address = str(ip_address(bytes.fromhex(packed)))
        if _is_of_use(address) and not int(flags, 16) & _UNUSABLE:
            found.setdefault(name, address)
    return found


def _interfaces_up() -> list[str]:
    """The interfaces that are up and have a carrier, without loopback."""
    try:
        names = [name for _, name in socket.if_nameindex()]
    except OSError:
        return []
    return [name for name in names if _is_up(name)]


def _is_up(name: str) -> bool:
    answer = _ask(name, _GET_FLAGS)
    flags = struct.unpack_from("H", answer, 16)[0] if answer else 0
    return bool(flags & _UP and flags & _RUNNING and not flags & _LOOPBACK)


def _ask(name: str, question: int) -> bytes:
    """What the kernel says of an interface; empty if nothing."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            return fcntl.ioctl(asking, question, _REQUEST.pack(name.encode()))
    except OSError:
        return b""
