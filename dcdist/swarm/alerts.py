"""Brings libtorrent's alerts to the event loop: libtorrent writes a byte to a socket when there are some.

Not by a callback, which deadlocks when the session ends, nor by an eventfd, which never fires.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import libtorrent as lt


class AlertPump:
    """Calls `handle` on the running loop with each batch, in order; alerts are valid only during the call."""

    def __init__(self, session: lt.session, handle: Callable[[list[lt.alert]], None]) -> None:
        self._session = session
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._loop.add_reader(self._reader.fileno(), self._read)
        session.set_alert_fd(self._writer.fileno())

    def detach(self) -> None:
        """Stop, and drop the reference to the session."""
        self._loop.remove_reader(self._reader.fileno())
        del self._session, self._handle

    def close(self) -> None:
        """Close the sockets. The session writes to them, so it must be gone."""
        self._reader.close()
        self._writer.close()

    def _read(self) -> None:
        try:
            while self._reader.recv(4096):
                pass
        except BlockingIOError:
            pass
        alerts = self._session.pop_alerts()
        if alerts:
            self._handle(alerts)
