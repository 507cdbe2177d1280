"""Where a session listens: at the address and port that other hosts get, or nowhere."""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import ExitStack
from ipaddress import ip_address
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.errors import SwarmError
from dcdist.swarm.libtorrent_errors import listen_error
from dcdist.swarm.settings import listen_interface, source_address

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from dcdist.model.identity import Address

_TRIES = 20
"""Ports to try if any port will do: a free port may be taken before it is bound."""


class Listener:
    """What to ask of libtorrent, and its answer. `listen` None: listen nowhere; port 0: any free port.

    Raises:
        SwarmError: The address is not an IP address, or the port is not valid.
    """

    def __init__(self, listen: Address | None) -> None:
        self.interface = ""
        self.source = ""
        self.port = 0
        self._tried: list[int] = []
        self._answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if listen is None:
            self._answer.set_result(None)
            return
        self._address, self._asked = _address(listen[0]), listen[1]
        if not 0 <= self._asked < 1 << 16:
            raise SwarmError(f"cannot listen on {self._address} port {self._asked}: ports are 0 to 65535")
        # Port 0 is not left to libtorrent. It takes a free TCP port and fails if the UDP port of that number is taken,
        # and it takes another port for each address of this machine.
        self._tried.append(self._asked or _free_port(self._address))
        self.interface = listen_interface(self._address, self._tried[0])
        self.source = source_address(self._address)

    @property
    def endpoint(self) -> Address | None:
        """Where it listens: an address of this host, or the unspecified one for all of them; None if nowhere."""
        return (str(self._address), self.port) if self.port else None

    async def wait(self) -> None:
        """Wait for the answer.

        Raises:
            SwarmError: It cannot listen there.
        """
        await self._answer

    def take(self, alert: lt.listen_succeeded_alert | lt.listen_failed_alert, session: lt.session) -> None:
        """Libtorrent's answer. One address of this machine is enough; TCP and UDP are bound together."""
        if self._answer.done():
            return
        self.port = session.listen_port()
        if self.port:
            self._answer.set_result(None)
        elif isinstance(alert, lt.listen_failed_alert) and alert.port not in self._tried[:-1]:
            another = self._another(alert)
            if another:
                self._tried.append(another)
                session.apply_settings({"listen_interfaces": listen_interface(self._address, another)})
            else:
                self._answer.set_exception(listen_error(alert, str(self._address), self._asked))

    def _another(self, alert: lt.listen_failed_alert) -> int:
        """The port to try next; 0 for none."""
        if self._asked or alert.error.value() != errno.EADDRINUSE or len(self._tried) == _TRIES:
            return 0
        port = _free_port(self._address)
        # libtorrent would ignore a port that it has tried, and never answer.
        return 0 if port in self._tried else port


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise SwarmError(
            f"cannot listen on {text!r}: it is not an IP address; give one of this host, for example 0.0.0.0"
        ) from None


def _free_port(address: IPv4Address | IPv6Address) -> int:
    """A port that is free for TCP and UDP; 0 if none is found, or the address is not one of this host."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with ExitStack() as stack:
        for _ in range(_TRIES):
            # Held until the end, so that the next port is another one.
            tcp = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            udp = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
            try:
                tcp.bind((str(address), 0))
                port: int = tcp.getsockname()[1]
                udp.bind((str(address), port))
            except OSError:
                continue
            return port
    return 0
