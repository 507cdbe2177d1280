"""HTTP on a connection, as much as xapi speaks of it: a request's head in, answers' heads and pages out.

Follows http_svr.ml and http.ml. Invariant: nothing is read but what is asked for. What a server leaves unread stays in
the connection, whose end then is a reset.
"""

from __future__ import annotations

import base64
import binascii
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_LIMIT = 16 * 1024
IDLE_SECONDS = 600.0
_NO_CACHE = "Cache-Control: no-cache, no-store"
_REASONS = {
    200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorised", 403: "Forbidden", 404: "Not Found",
    417: "Expectation Failed", 500: "Internal Error", 501: "Method not implemented", 503: "Service Unavailable",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its body; names of headers are in lower case. `old` is HTTP/1.0."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    old: bool = False

    def given(self, name: str) -> str | None:
        """A value in a cookie or else in the query, where xapi takes them from."""
        try:
            cookies = SimpleCookie(self.headers.get("cookie", ""))
        except CookieError:
            cookies = SimpleCookie()
        return cookies[name].value if name in cookies else self.query.get(name)

    @property
    def length(self) -> int | None:
        """Bytes of the body, if they are told."""
        told = self.headers.get("content-length", "")
        return int(told) if told.isascii() and told.isdigit() else None

    @property
    def basic(self) -> tuple[str, str] | None:
        """User and password of HTTP's basic authentication."""
        scheme, _, coded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(coded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return user, password

    @property
    def closes(self) -> bool:
        """Whether the connection is to end with the answer."""
        told = self.headers.get("connection", "").lower()
        return told == "close" or (self.old and told != "keep-alive")


class Wire:
    """One connection of a client."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(IDLE_SECONDS)

    def request(self) -> Request | None:
        """The next request; None at the end of the connection.

        Raises:
            ValueError: What came is not a request.
        """
        head = bytearray()
        while not head.endswith((b"\r\n\r\n", b"\n\n")):
            byte = self._connection.recv(1)
            if not byte:
                return None
            head += byte
            if len(head) > HEAD_LIMIT:
                raise ValueError(f"a head has more than {HEAD_LIMIT} bytes")
        return _read_head(head.decode("latin-1"))

    def read(self, most: int) -> bytes:
        """Some of the bytes that follow; none at the end."""
        return self._connection.recv(most)

    def read_all(self, size: int) -> bytes:
        """So many bytes.

        Raises:
            ConnectionError: The connection ends before.
        """
        data = bytearray()
        while len(data) < size:
            more = self._connection.recv(size - len(data))
            if not more:
                raise ConnectionError(f"the connection ended after {len(data)} of {size} bytes")
            data += more
        return bytes(data)

    def answer(self, body: bytes, *, close: bool, kind: str = "text/xml") -> None:
        """A whole answer that is good."""
        connection = "close" if close else "keep-alive"
        lines = f"Connection: {connection}", _NO_CACHE, f"Content-Type: {kind}", f"Content-Length: {len(body)}"
        self._connection.sendall(_head(200, *lines) + body)

    def begin(self, status: int, *lines: str) -> None:
        """The head of an answer without a length: it ends with the connection."""
        self._connection.sendall(_head(status, "Connection: close", _NO_CACHE, *lines))

    def page(self, status: int, message: str = "") -> None:
        """A whole answer that is an error, for people."""
        reason = _REASONS.get(status, "Error")
        body = f"<html><body><h1>HTTP {status} {reason.lower()}</h1>{message}</body></html>".encode()
        lines = [f"Content-Length: {len(body)}", "Content-Type: text/html"]
        if status == 401:
            lines.append('WWW-Authenticate: Basic realm="VM.import"')
        self._connection.sendall(_head(status, *lines, "Connection: close", _NO_CACHE) + body)

    def reset(self) -> None:
        """End the connection so that the client sees a reset, whatever was read."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()

    def close(self) -> None:
        """End the connection: in order if all that came was read, else by a reset."""
        if isinstance(self._connection, ssl.SSLSocket):
            # Tell the end as the TLS proxy before xapi does, and do not wait for the client to say the same.
            self._connection.settimeout(0)
            with suppress(OSError, ValueError):
                self._connection.unwrap()
        self._connection.close()


def _head(status: int, *lines: str) -> bytes:
    reason = _REASONS.get(status, "Error")
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status} {reason}", *lines, "")).encode()


def _read_head(head: str) -> Request:
    first, *rest = head.splitlines()
    words = first.split()
    if len(words) != 3 or not words[2].startswith("HTTP/"):
        raise ValueError(f"not a request: {first!r}")
    pairs = (line.partition(":") for line in rest if ":" in line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    parts = urlsplit(words[1])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(words[0], parts.path, query, headers, old=words[2] == "HTTP/1.0")
