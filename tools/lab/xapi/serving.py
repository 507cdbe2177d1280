"""Answers the requests of one connection: calls by XML-RPC, and imports.

Follows api_server.ml and http_svr.ml (`handle_one`), also in what is told of errors: 500 and the exception's text.
"""

from __future__ import annotations

import sys
import time
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING

from tools.lab.xapi.calls import Caller, perform, read_call, to_answer, to_failure
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.importing import take_import
from tools.lab.xapi.wire import Wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from tools.lab.xapi.orders import Fault
    from tools.lab.xapi.site import Host, Site
    from tools.lab.xapi.wire import Request

_CALL_LIMIT = 1 << 20


def serve(site: Site, host: Host, connection: socket.socket) -> None:
    """Answer the requests of one connection."""
    wire = Wire(connection)
    try:
        while (request := wire.request()) is not None and _handle(site, host, wire, request):
            pass
    except OSError as error:
        print(f"a connection ended: {error!r}", file=sys.stderr, flush=True)
    except ValueError as error:
        with suppress(OSError):
            wire.page(500, f"The HTTP headers could not be parsed: {error}")
    finally:
        wire.close()


def _handle(site: Site, host: Host, wire: Wire, request: Request) -> bool:
    """Answer one request; whether the connection is of use for another."""
    try:
        if request.method == "PUT" and request.path == "/import":
            take_import(site, request, wire, host)
        elif request.method == "POST" and request.path in {"/", "/RPC2"}:
            return _call(site, host, wire, request)
        elif request.method in {"PUT", "POST", "GET"}:
            wire.page(403, "Access to the requested resource is forbidden.")
        else:
            wire.page(501)
    except OSError:
        # There is nobody to tell.
        raise
    except Exception as error:
        traceback.print_exc()
        wire.page(500, repr(error))
    return False


def _call(site: Site, host: Host, wire: Wire, request: Request) -> bool:
    """One call by XML-RPC."""
    if request.length is None or request.length > _CALL_LIMIT:
        wire.page(500, "We require a content-length: HTTP header")
        return False
    method, parameters = read_call(wire.read_all(request.length))
    fault = site.orders.fault_of(method)
    time.sleep(fault.delay)
    if fault.status is not None:
        wire.page(fault.status, "as ordered")
        return False
    wire.answer(_answer(site, host, fault, method, parameters), close=request.closes)
    return not request.closes


def _answer(site: Site, host: Host, fault: Fault, method: str, parameters: Sequence[object]) -> bytes:
    if fault.error:
        return to_failure(Failure(*fault.error))
    caller = Caller(host.trusted, None if host.place == 0 else site.addresses[0])
    try:
        return to_answer(perform(site.database, caller, method, parameters))
    except Failure as failure:
        return to_failure(failure)
