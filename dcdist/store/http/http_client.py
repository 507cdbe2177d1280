"""Imports aiohttp without the certificates of this machine, which a process of our own does not need."""

from __future__ import annotations

import importlib
import os

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def import_without_certificates() -> None:
    """Import it; a process that runs nothing but one Swift store may call this first.

    aiohttp reads the certificates twice when it is imported, for contexts of its own. Swift's session brings a context
    for each https request and follows no redirect to one; other users of aiohttp in the same process would
    get contexts that trust nobody.
    """
    before = {name: os.environ.get(name) for name in _CERTIFICATES}
    os.environ.update(dict.fromkeys(_CERTIFICATES, os.devnull))
    try:
        importlib.import_module("aiohttp")
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
