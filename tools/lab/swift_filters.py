"""WSGI filters of a lab Swift's proxy: a count of what it sends, faults on order, and a cache instead of memcached.

They run inside Swift's processes and are found by its configuration, by name.
"""

from __future__ import annotations

import json
import os
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET
from typing import TYPE_CHECKING, Protocol

from tools.lab.swift_faults import CORRUPTED, FILE, Fault, Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_ABORT = struct.pack("ii", 1, 0)
_SLICE = 16 << 10


def traffic_filter(_: Mapping[str, str], **options: str) -> Callable[[WSGIApplication], WSGIApplication]:
    """Notes every answer, and the bytes of every body, in the file `log`, which `tools.lab.swift.Swift` reads.

    A part is noted before it is sent: what a client that went away did not take is counted too.
    """
    log = os.open(options["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def note(*fields: str) -> None:
        os.write(log, ("\t".join(fields) + "\n").encode("utf-8", "surrogateescape"))

    def counted(app: WSGIApplication) -> WSGIApplication:
        def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            answer = [environ["REQUEST_METHOD"], environ["PATH_INFO"], ""]

            def started(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
                answer[2] = status.partition(" ")[0]
                note(*answer, "")
                return start_response(status, headers, exc_info)  # type: ignore[arg-type]

            body = app(environ, started)  # type: ignore[arg-type]
            return _Body(body, _noted(body, lambda amount: note(*answer, str(amount))))

        return call

    return counted


def _noted(parts: Iterable[bytes], note: Callable[[int], None]) -> Iterator[bytes]:
    for part in parts:
        if part:
            note(len(part))
        yield part


class _Body:
    """The changed parts of a body; closing it closes the real one, which frees the backend's connection."""

    def __init__(self, real: Iterable[bytes], parts: Iterator[bytes]) -> None:
        self._real = real
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        close = getattr(self._real, "close", None)
        if close is not None:
            close()


def faults_filter(_: Mapping[str, str], **options: str) -> Callable[[WSGIApplication], WSGIApplication]:
    """Makes the faults that are ordered in the directory `orders`. Each worker counts for itself."""
    folder = Path(options["orders"])
    orders = _StandingOrders(folder / FILE)
    log = os.open(folder / CORRUPTED, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def note(environ: WSGIEnvironment, offset: int) -> None:
        groups = environ.get("REMOTE_USER", "").split(",")
        user = next((group for group in groups if ":" in group), "")
        line = json.dumps([datetime.now(UTC).timestamp(), user, environ["PATH_INFO"], offset])
        os.write(log, f"{line}\n".encode())

    def faulty(app: WSGIApplication) -> WSGIApplication:
        def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            fault = orders.fault_for(environ)
            if fault is None:
                return app(environ, start_response)
            return _go_wrong(fault, app, environ, start_response, note)

        return call

    return faulty


class _StandingOrders:
    """The orders in force, how often each fault was met, and the tokens that are good no more."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._orders = Orders()
        self._met: list[int] = []
        self._seen: set[str] = set()
        self._expired: frozenset[str] = frozenset()

    def fault_for(self, environ: WSGIEnvironment) -> Fault | None:
        """The fault that this request meets. An expired token is replaced by one that Swift itself will refuse."""
        self._refresh()
        token = environ.get("HTTP_X_AUTH_TOKEN", "")
        if token in self._expired:
            environ["HTTP_X_AUTH_TOKEN"] = "AUTH_tkexpired"
        elif token:
            self._seen.add(token)
        asked = f"{environ['PATH_INFO']}?{environ.get('QUERY_STRING', '')}"
        for place, fault in enumerate(self._orders.faults):
            if fault.method == environ["REQUEST_METHOD"] and fault.path in asked:
                self._met[place] += 1
                over = self._met[place] - fault.skip
                if over > 0 and (fault.count is None or over <= fault.count):
                    return fault
        return None

    def _refresh(self) -> None:
        orders = Orders.load(self._path)
        if orders.expiry != self._orders.expiry:
            self._expired = frozenset(self._seen)
        if orders.serial != self._orders.serial:
            self._met = [0] * len(orders.faults)
            self._orders = orders


def _go_wrong(
    fault: Fault,
    app: WSGIApplication,
    environ: WSGIEnvironment,
    start_response: StartResponse,
    note: Callable[[WSGIEnvironment, int], None],
) -> Iterable[bytes]:
    if fault.delay:
        _sleep(fault.delay)
    if fault.status is not None:
        body = fault.body.encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body))), *fault.headers]
        start_response(f"{fault.status} Ordered", headers)
        return [body]
    if fault.whole:
        environ.pop("HTTP_RANGE", None)
    # A small part that waits to be sent with the next would be lost by a cut.
    environ["eventlet.minimum_write_chunk_size"] = 0

    def started(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> object:
        replaced = {name.lower() for name, _ in fault.headers}
        kept = [(name, value) for name, value in headers if name.lower() not in replaced]
        return start_response(status, [*kept, *fault.headers], exc_info)  # type: ignore[arg-type]

    real = app(environ, started)  # type: ignore[arg-type]
    begin = _range_begin(environ)
    sound = real if fault.corrupt is None else _corrupted(real, fault.corrupt, lambda at: note(environ, begin + at))
    return _Body(real, _shaped(sound, fault, environ))


def _range_begin(environ: WSGIEnvironment) -> int:
    """The first byte of the range that is asked for."""
    first = environ.get("HTTP_RANGE", "").removeprefix("bytes=").partition("-")[0]
    return int(first) if first.isdigit() else 0


def _corrupted(parts: Iterable[bytes], offset: int, note: Callable[[int], None]) -> Iterator[bytes]:
    begin = 0
    for part in parts:
        if begin <= offset < begin + len(part):
            note(offset)
            at = offset - begin
            yield part[:at] + bytes([part[at] ^ 0xFF]) + part[at + 1 :]
        else:
            yield part
        begin += len(part)


def _shaped(parts: Iterable[bytes], fault: Fault, environ: WSGIEnvironment) -> Iterator[bytes]:
    """The body's parts, slowed down and cut off as ordered."""
    sent = 0
    began = time.monotonic()
    for part in parts:
        pieces = [part] if fault.rate is None else [part[i : i + _SLICE] for i in range(0, len(part), _SLICE)]
        for piece in pieces:
            if fault.truncate is not None and sent + len(piece) > fault.truncate:
                yield piece[: fault.truncate - sent]
                _cut(fault, environ)
            yield piece
            sent += len(piece)
            if fault.rate is not None:
                _sleep(max(0.0, sent / fault.rate - (time.monotonic() - began)))


def _cut(fault: Fault, environ: WSGIEnvironment) -> None:
    _sleep(fault.stall)
    if fault.reset:
        # Replacing the socket under the server closes it at once, and without lingering that sends a reset.
        sock = environ["eventlet.input"].get_socket()
        sock.setsockopt(SOL_SOCKET, SO_LINGER, _ABORT)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, sock.fileno())
        os.close(null)
    raise ConnectionError("ordered fault: the body ends here")


def _sleep(seconds: float) -> None:
    import eventlet

    eventlet.sleep(seconds)


class _Cached(Protocol):
    """A WSGI application that may be given attributes, as Swift's pipeline does."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]: ...


def cache_filter(_: Mapping[str, str], **__: str) -> Callable[[WSGIApplication], _Cached]:
    """Gives every request this process's cache. Tokens are not kept there, so workers need no common one."""
    cache = LocalCache()

    def cached(app: WSGIApplication) -> _Cached:
        def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            environ["swift.cache"] = cache
            return app(environ, start_response)

        return call

    return cached


class LocalCache:
    """What Swift asks of memcached, in this process."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, float]] = {}

    def get(self, key: str, *, raise_on_error: bool = False) -> object:
        """The value, or None if there is none or it is too old."""
        del raise_on_error
        text, until = self._values.get(key, ("null", 0.0))
        return json.loads(text) if time.monotonic() < until else None

    def set(self, key: str, value: object, *, time: float = 0, **_: object) -> None:
        """Keep a value for `time` seconds; 0 is for good."""
        text = json.dumps(value.decode() if isinstance(value, bytes) else value)
        self._values[key] = (text, self._until(time))

    def incr(self, key: str, delta: int = 1, time: float = 0) -> int:
        """Add to a number that is not below 0, and return it."""
        known = self.get(key)
        number = max(0, (known if isinstance(known, int) else 0) + delta)
        self.set(key, number, time=time)
        return number

    def decr(self, key: str, delta: int = 1, time: float = 0) -> int:
        """Subtract from a number."""
        return self.incr(key, -delta, time)

    def delete(self, key: str, server_key: str | None = None) -> None:
        """Forget a value."""
        del server_key
        self._values.pop(key, None)

    def set_multi(self, mapping: Mapping[str, object], server_key: str, *, time: float = 0, **_: object) -> None:
        """Keep several values."""
        del server_key
        for key, value in mapping.items():
            self.set(key, value, time=time)

    def get_multi(self, keys: Iterable[str], server_key: str) -> list[object]:
        """Several values, None for those that are not there."""
        del server_key
        return [self.get(key) for key in keys]

    @staticmethod
    def _until(seconds: float) -> float:
        return time.monotonic() + seconds if seconds else float("inf")
