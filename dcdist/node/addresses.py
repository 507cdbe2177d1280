"""The address that this host announces: the one from which it would reach the store."""

from __future__ import annotations

import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

from dcdist.errors import UsageError

if TYPE_CHECKING:
    from dcdist.model.identity import Address

_ANYWHERE = ("192.0.2.1", "2001:db8::1")
"""Documentation addresses: a UDP socket is connected to one to see the way out; nothing is sent."""


def advertised(listen: Address | None, port: int, store_host: str) -> Address:
    """The address to announce for a session that listens on `port`. Blocks: it may look up a name.

    `listen` is what the user asked for; `store_host` is the store's server, empty if it is a directory.

    Raises:
        UsageError: This host has no address that others could reach.
    """
    if listen is not None and not ip_address(listen[0]).is_unspecified:
        return listen[0], port
    family = socket.AF_INET6 if listen is not None and ":" in listen[0] else socket.AF_INET
    for target in [store_host, _ANYWHERE[family == socket.AF_INET6]]:
        address = _source_towards(target, family) if target else None
        if address is not None and not ip_address(address).is_unspecified:
            return address, port
    if not store_host:
        # A directory, and no network: only hosts on this machine can share it.
        return ("::1" if family == socket.AF_INET6 else "127.0.0.1"), port
    raise UsageError(
        "this host has no address that others could connect to: give one with --advertise IP:PORT (advertise)"
    )


def _source_towards(target: str, family: socket.AddressFamily) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None
