"""A client of the lab's xapi that is as plain as possible: standard library, one socket, every byte of the answer."""

from __future__ import annotations

import io
import random
import socket
import ssl
import time
import xmlrpc.client
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from tools.lab.xva_writer import write_xva

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tools.lab.xapi.stand_in import Xapi

MIB = 1 << 20


def make_xva(folder: Path, name: str = "web", sizes: Sequence[int] = (3 * MIB,)) -> tuple[bytes, list[bytes]]:
    """An export of a VM with disks of these sizes, and the disks in the order of the stream."""
    contents = [random.Random(f"{name} {number}").randbytes(size) for number, size in enumerate(sizes)]
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"{name}-{number}.raw")
        paths[-1].write_bytes(content)
    out = io.BytesIO()
    write_xva(out, name, paths)
    return out.getvalue(), contents


class XapiClient:
    """Signed in to a pool's master, with one task."""

    def __init__(self, xapi: Xapi) -> None:
        self.xapi = xapi
        self.session = str(self.value("session.login_with_password", *xapi.environment.values()))
        self.task = self.begin_task()

    def answer(self, method: str, *parameters: object, host: int = 0) -> dict[str, object]:
        """All that the pool answers to a call."""
        context = ssl.create_default_context(cafile=self.xapi.certificate)
        with xmlrpc.client.ServerProxy(self.xapi.urls[host], context=context) as server:
            answer = getattr(server, method)(*parameters)
        assert isinstance(answer, dict)
        return answer

    def value(self, method: str, *parameters: object) -> object:
        """The value of a call that succeeds."""
        answer = self.answer(method, *parameters)
        assert answer["Status"] == "Success", answer
        return answer["Value"]

    def begin_task(self) -> str:
        """A new task."""
        return str(self.value("task.create", self.session, "import", ""))

    def task_record(self) -> dict[str, object]:
        """The task as it is now."""
        record = self.value("task.get_record", self.session, self.task)
        assert isinstance(record, dict)
        return record

    def put(
        self,
        body: bytes,
        *headers: str,
        query: Mapping[str, str] | None = None,
        host: int = 0,
        length: int | None = None,
        told: bool = True,
        hang_up: bool = False,
    ) -> str:
        """Send an import, and its body as far as the other side takes it; every byte that came back.

        `query` adds to session, task and storage, or replaces them. Unless `told` is off, there is a Content-Length:
        `length`, or that of the body. With `hang_up` nothing more is sent on the connection after the body.
        """
        asked = {"session_id": self.session, "task_id": self.task, "sr_uuid": self.xapi.storage, **(query or {})}
        size = [f"Content-Length: {len(body) if length is None else length}"] if told else []
        lines = [f"PUT /import?{urlencode(asked)} HTTP/1.1", "Host: xapi", *size, *headers]
        head = "".join(f"{line}\r\n" for line in [*lines, ""])
        with closing(self.connect(host)) as connection:
            return exchange(connection, head, body, hang_up=hang_up)

    def begin_put(self, body: bytes, length: int) -> socket.socket:
        """A connection with an import into the default storage of which this part of the body is sent; the caller's."""
        connection = self.connect()
        head = f"PUT /import?session_id={self.session}&task_id={self.task} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode() + body)
        return connection

    def connect(self, host: int = 0) -> socket.socket:
        """A connection to a host."""
        address = urlsplit(self.xapi.urls[host])
        plain = socket.create_connection((address.hostname, address.port), timeout=60)
        context = ssl.create_default_context(cafile=self.xapi.certificate)
        return context.wrap_socket(plain, server_hostname=address.hostname)


def exchange(connection: socket.socket, head: str, body: bytes = b"", *, hang_up: bool = False) -> str:
    """Send a request's head, wait for that of the answer, and send the body if it is welcome; all that came back.

    Who sends the body first may lose an answer that refuses it, as the server resets the connection. With `hang_up`,
    half of the connection is closed after the request.
    """
    connection.settimeout(60)
    connection.sendall(head.encode())
    received = b""
    while b"\r\n\r\n" not in received and (data := connection.recv(1)):
        received += data
    if received.startswith(b"HTTP/1.1 200 "):
        with suppress(OSError):
            connection.sendall(body)
            if hang_up:
                # Below TLS, which has no half of a connection.
                socket.socket.shutdown(connection, socket.SHUT_WR)
    with suppress(OSError):
        while data := connection.recv(65_536):
            received += data
    # TLS tells that half of the connection ended; the server ends the other half when it has done its work.
    was_reset(connection)
    return received.decode()


def was_reset(connection: socket.socket) -> bool:
    """Whether the other side resets the connection, seen below TLS, which does not tell a reset from an end."""
    try:
        while socket.socket.recv(connection, 65_536):
            pass
    except ConnectionResetError:
        return True
    return False


def wait_for(condition: Callable[[], bool]) -> None:
    """Until it holds; the test's own limit of time is the bound."""
    while not condition():
        time.sleep(0.02)
