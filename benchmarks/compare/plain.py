"""What one plain TCP download reaches on a link: the measure of the limit and of a copy, taken in the same lab."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from tools.lab.network import Link, Network

_SECONDS = 3.0
_WARM_UP = 1.0
_SENDER = """
import socket, sys
connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))
data = bytes(1 << 18)
try:
    while True:
        connection.sendall(data)
except OSError:
    pass
"""


@dataclass(frozen=True, slots=True)
class Plain:
    """Payload bytes a second of one flow, and bytes at the sender's interface for each byte of payload."""

    rate: float
    cost: float


def measure(rate: float) -> Plain:
    """One flow over two links of `rate` bits a second, for a few seconds.

    Raises:
        NetworkError: There is no network to be had.
    """
    link = Link(rate, rate)
    with Network({"sender": link, "receiver": link}) as network:
        with network.entered("receiver"):
            server = socket.create_server(("0.0.0.0", 0))
        with server:
            target = [network.address("receiver"), str(server.getsockname()[1])]
            command = [*network.command("sender"), sys.executable, "-c", _SENDER, *target]
            with subprocess.Popen(command) as sender:
                connection, _ = server.accept()
                with connection:
                    _receive(connection, _WARM_UP)
                    before, begun = network.counted()["sender"].sent, time.monotonic()
                    received = _receive(connection, _SECONDS)
                    seconds = time.monotonic() - begun
                    sent = network.counted()["sender"].sent - before
                sender.terminate()
    return Plain(received / seconds, sent / received)


def _receive(connection: socket.socket, seconds: float) -> int:
    """Bytes that came in that time."""
    buffer = bytearray(1 << 18)
    deadline = time.monotonic() + seconds
    total = 0
    while time.monotonic() < deadline:
        total += connection.recv_into(buffer)
    return total
