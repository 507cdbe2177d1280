"""Where a session listens: on the address and port that others are told, or nowhere. Never on another."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.errors import SwarmError
from dcdist.swarm.refusals import listen_error
from dcdist.swarm.settings import listen_interface, source_address

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address


class Listening:
    """What to ask of libtorrent, and its answer. `listen` is address and port; None listens nowhere.

    Raises:
        SwarmError: That is no IP address, or no port.
    """

    def __init__(self, listen: tuple[str, int] | None) -> None:
        self.interface = ""
        self.source = ""
        self.port = 0
        self._asked = listen or ("", 0)
        self._answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if listen is None:
            self._answer.set_result(None)
            return
        address, port = _address(listen[0]), listen[1]
        if not 0 <= port < 1 << 16:
            raise SwarmError(f"cannot listen on {address} port {port}: there are ports up to 65535 only")
        if port == 0 and address.is_unspecified:
            port = _free_port(address)  # libtorrent would take another one for each address of this machine
        self.interface = listen_interface(address, port)
        self.source = source_address(address)

    async def wait(self) -> None:
        """Wait for the answer.

        Raises:
            SwarmError: It cannot listen there.
        """
        await self._answer

    def take(self, alert: lt.listen_succeeded_alert | lt.listen_failed_alert, session: lt.session) -> None:
        """What libtorrent says. Of all addresses of this machine one is enough; TCP and UDP are bound together."""
        if self._answer.done():
            return
        self.port = session.listen_port()
        if self.port:
            self._answer.set_result(None)
        elif isinstance(alert, lt.listen_failed_alert):
            self._answer.set_exception(listen_error(alert, *self._asked))


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise SwarmError(f"cannot listen on {text!r}: give an IP address of this host, for example 0.0.0.0") from None


def _free_port(address: IPv4Address | IPv6Address) -> int:
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((str(address), 0))
        port: int = probe.getsockname()[1]
        return port
