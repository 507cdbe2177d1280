"""Which of its addresses does this host tell others? The one from which it would reach the store."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from dcdist.errors import UsageError

_ANYWHERE = ("192.0.2.1", "2001:db8::1")
"""Documentation addresses: a UDP socket is connected to one to see the way out; nothing is sent."""


def advertised(listen: tuple[str, int] | None, port: int, store_host: str) -> tuple[str, int]:
    """The address to announce for a session that listens on `port`; may look up a name, so it blocks.

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
        # A directory without any network: the only hosts that can share it so are on this machine.
        return ("::1" if family == socket.AF_INET6 else "127.0.0.1"), port
    raise UsageError(
        "no address of this host was found that others could connect to: give one with --advertise IP:PORT"
    )


def _source_towards(target: str, family: socket.AddressFamily) -> str | None:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None
