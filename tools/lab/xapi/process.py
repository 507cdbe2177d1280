"""The process that is a stand-in's server: binds, says where, answers each connection in a thread.

Invariant: nothing outlives it. It ends when its standard input does, when a signal comes or when its parent is gone;
its threads end with it.

    python -m tools.lab.xapi.process OPTIONS     # JSON of `Options`; prints one JSON line when it can be reached
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

from tools.lab.certificates import make_certificate
from tools.lab.xapi.options import Options
from tools.lab.xapi.serving import serve
from tools.lab.xapi.site import Host, Site

HTTPS_PORT = 443
_LOOK_SECONDS = 0.5
_HANDSHAKE_SECONDS = 60.0
_RECEIVE_BUFFER = 256 * 1024


def main(argument: str) -> int:
    """Serve with the options in `argument` until there is a reason to end."""
    options = Options.from_json(argument)
    parent = os.getppid()
    try:
        listeners = [_listen(*each) for each in zip(options.hosts, options.ports, strict=True)]
        local = [_listen_locally(options.socket)] if options.socket else []
    except OSError as error:
        print(f"cannot listen: {error}", file=sys.stderr)
        return 1
    ports = [listener.getsockname()[1] for listener in listeners]
    site = Site(options, tuple(map(_netloc, options.hosts, ports)))
    certificates = _Certificates(options)
    ways = [(each, partial(_serve_tls, site, Host(place), certificates)) for place, each in enumerate(listeners)]
    ways += [(each, partial(serve, site, Host(0, trusted=True))) for each in local]
    print(json.dumps({"addresses": site.addresses, "ports": ports}), flush=True)
    with selectors.DefaultSelector() as selector:
        for listener, way in ways:
            selector.register(listener, selectors.EVENT_READ, way)
        _accept(selector, parent)
    return 0


class _Certificates:
    """The certificate that clients know, and one that they do not."""

    def __init__(self, options: Options) -> None:
        self.right = make_certificate(options.directory, "certificate", options.hosts)
        self.wrong = make_certificate(options.directory, "impostor", options.hosts)


def _accept(selector: selectors.BaseSelector, parent: int) -> None:
    """Start a thread for each connection, until standard input ends, a signal comes or the parent is gone."""
    readable, writable = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writable)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    selector.register(readable, selectors.EVENT_READ)
    selector.register(0, selectors.EVENT_READ)
    while os.getppid() == parent:
        for key, _ in selector.select(_LOOK_SECONDS):
            if key.data is None:
                return
            assert isinstance(key.fileobj, socket.socket)
            with suppress(OSError):
                connection, _ = key.fileobj.accept()
                threading.Thread(target=key.data, args=(connection,), daemon=True).start()


def _listen(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Small, so that a client feels a slow import soon, also with a small image.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    listener.bind((address, port))
    listener.listen(128)
    return listener


def _listen_locally(path: str) -> socket.socket:
    Path(path).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(128)
    return listener


def _netloc(address: str, port: int) -> str:
    bare = f"[{address}]" if ":" in address else address
    return bare if port == HTTPS_PORT else f"{bare}:{port}"


def _serve_tls(site: Site, host: Host, certificates: _Certificates, connection: socket.socket) -> None:
    context = certificates.wrong if site.orders.now().impostor else certificates.right
    connection.settimeout(_HANDSHAKE_SECONDS)
    try:
        wrapped = context.wrap_socket(connection, server_side=True)
    except OSError:
        connection.close()
        return
    serve(site, host, wrapped)


if __name__ == "__main__":
    # Daemon threads may be anywhere; what they write is written by now.
    code = main(sys.argv[1])
    sys.stdout.flush()
    os._exit(code)
