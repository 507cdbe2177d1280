"""Makes a process of our own ready sooner: while it imports, it does nothing that it has no use for.

When the builds of many hosts start at the same moment, nothing comes to a host until it has computed its way to the
first request.
"""

from __future__ import annotations

import gc
import os

_CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def collect_no_garbage() -> None:
    """Until `collect_garbage`: imports make many objects, and none of them is garbage."""
    gc.disable()


def collect_garbage() -> None:
    """From now on; what is here already stays, and no collection looks at it again."""
    gc.freeze()
    gc.enable()


def import_http_client() -> None:
    """Import aiohttp without the certificates of this machine.

    It reads them twice, for contexts of its own. Only for stores that never use these: their sessions bring a context
    for each https request, and follow no redirect to one.
    """
    before = {name: os.environ.get(name) for name in _CERTIFICATES}
    os.environ.update(dict.fromkeys(_CERTIFICATES, os.devnull))
    try:
        import aiohttp  # noqa: F401
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
