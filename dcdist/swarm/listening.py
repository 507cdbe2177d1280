"""Where a session listens: at the addresses and the one port that other hosts get, or nowhere.

Invariant: with several addresses, it listens on the same port at each of them that this machine can listen at.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import ExitStack, closing
from ipaddress import ip_address
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.errors import SwarmError
from dcdist.swarm.libtorrent_errors import listen_error, silence_error
from dcdist.swarm.settings import listen_interfaces, source_address

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv6Address

    from dcdist.model.identity import Address

_TRIES = 20
"""Ports to try if any port will do: a free port may be taken before it is bound."""

_ANSWER_LIMIT = 5.0
"""Seconds to wait for libtorrent to listen or to say why not; it takes a few milliseconds."""


class Listener:
    """What to ask of libtorrent, and its answer.

    `listen`: one address and port, or one address a family, all with the same port; none: listen nowhere. Port 0 is any
    port that is free at all of them. Of several addresses, those of a family that this machine lacks are left out.

    Raises:
        SwarmError: An address is not an IP address, or the port is not valid.
    """

    def __init__(self, listen: Sequence[Address]) -> None:
        self.interfaces = ""
        self.source = ""
        self.port = 0
        self._addresses = [_address(address) for address, _ in listen]
        self._tried: list[int] = []
        self._answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not listen:
            self._answer.set_result(None)
            return
        if len(listen) > 1:
            self._addresses = [each for each in self._addresses if _can_bind(each)] or self._addresses[:1]
        self._asked = listen[0][1]
        if not 0 <= self._asked < 1 << 16:
            raise SwarmError(f"cannot listen on {self._where} port {self._asked}: ports are 0 to 65535")
        # Port 0 is not left to libtorrent. It takes a free TCP port and fails if the UDP port of that number is taken,
        # and it takes another port for each address of this machine.
        self._tried.append(self._asked or _free_port(self._addresses))
        self.interfaces = listen_interfaces(self._addresses, self._tried[0])
        self.source = source_address(self._addresses)

    @property
    def endpoints(self) -> tuple[Address, ...]:
        """Where it listens: addresses of this host, unspecified ones for all of a family; none if nowhere."""
        return tuple((str(address), self.port) for address in self._addresses) if self.port else ()

    async def wait(self) -> None:
        """Wait for the answer.

        Raises:
            SwarmError: It cannot listen there, or does not say within five seconds that it does.
        """
        try:
            async with asyncio.timeout(_ANSWER_LIMIT):
                await self._answer
        except TimeoutError:
            raise silence_error(self._where, self._asked) from None

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
                session.apply_settings({"listen_interfaces": listen_interfaces(self._addresses, another)})
            else:
                self._answer.set_exception(listen_error(alert, self._where, self._asked))

    def fail(self, reason: str) -> None:
        """The session itself failed; if it has not listened by then, it never will."""
        if not self._answer.done():
            self._answer.set_exception(silence_error(self._where, self._asked, reason))

    @property
    def _where(self) -> str:
        return " and ".join(map(str, self._addresses))

    def _another(self, alert: lt.listen_failed_alert) -> int:
        """The port to try next; 0 for none."""
        if self._asked or alert.error.value() != errno.EADDRINUSE or len(self._tried) == _TRIES:
            return 0
        port = _free_port(self._addresses)
        # libtorrent would ignore a port that it has tried, and never answer.
        return 0 if port in self._tried else port


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        raise SwarmError(
            f"cannot listen on {text!r}: it is not an IP address; give one of this host, for example 0.0.0.0"
        ) from None


def _can_bind(address: IPv4Address | IPv6Address) -> bool:
    """Whether this machine has the address; an unspecified one, whether it has the family."""
    try:
        with closing(_socket(address, socket.SOCK_STREAM)) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _free_port(addresses: Sequence[IPv4Address | IPv6Address]) -> int:
    """A port that is free for TCP and UDP at each address; 0 if none is found, or one is not of this host."""
    with ExitStack() as stack:
        for _ in range(_TRIES):
            try:
                # Held until the end, so that the next port is another one.
                return _bound_port(addresses, stack)
            except OSError:
                continue
    return 0


def _bound_port(addresses: Sequence[IPv4Address | IPv6Address], stack: ExitStack, port: int = 0) -> int:
    for address in addresses:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            probe = stack.enter_context(closing(_socket(address, kind)))
            probe.bind((str(address), port))
            port = probe.getsockname()[1]
    return port


def _socket(address: IPv4Address | IPv6Address, kind: socket.SocketKind) -> socket.socket:
    if address.version == 4:
        return socket.socket(socket.AF_INET, kind)
    made = socket.socket(socket.AF_INET6, kind)
    # Else the unspecified address would stand for IPv4 too, whose port is bound on its own.
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made
