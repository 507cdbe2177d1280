"""A WSGI filter of a lab Swift's container server: listings learn of objects late, as when a cluster is busy.

The object server reports each put and delete to the container server; here a report is accepted at once and applied
later.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from tools.lab.swift_faults import FILE, Orders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_PARTS_OF_AN_OBJECT = 5
"""Of the path /DEVICE/PARTITION/ACCOUNT/CONTAINER/OBJECT; that of a container has one less."""


def lag_filter(_: Mapping[str, str], **options: str) -> Callable[[WSGIApplication], WSGIApplication]:
    """Heeds words of objects as many seconds late as is ordered in the directory `orders`."""
    path = Path(options["orders"]) / FILE

    def lagging(app: WSGIApplication) -> WSGIApplication:
        def call(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            lag = Orders.load(path).listing_lag if _is_word_of_an_object(environ) else 0.0
            if not lag:
                return app(environ, start_response)
            _heed_later(app, {**environ, "wsgi.input": io.BytesIO()}, lag)
            start_response("202 Accepted", [("Content-Length", "0")])
            return [b""]

        return call

    return lagging


def _is_word_of_an_object(environ: WSGIEnvironment) -> bool:
    parts = environ["PATH_INFO"].lstrip("/").split("/", _PARTS_OF_AN_OBJECT - 1)
    return environ["REQUEST_METHOD"] in {"PUT", "DELETE"} and len(parts) == _PARTS_OF_AN_OBJECT


def _heed_later(app: WSGIApplication, environ: WSGIEnvironment, lag: float) -> None:
    import eventlet

    def heed() -> None:
        # Its answer is for nobody.
        for _ in app(environ, lambda *_: lambda _: None):
            pass

    eventlet.spawn_after(lag, heed)
