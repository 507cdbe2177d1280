"""Swift's own servers in a process of the lab: set up and served as upstream does it, without files in /etc.

Runs after the fork: everything here changes the process for good.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from pathlib import Path


def preload() -> None:
    """Import Swift once, before the forks: it is most of a second, and the pages are shared."""
    import swift.account.server
    import swift.common.wsgi
    import swift.container.server
    import swift.obj.server
    import swift.proxy.server  # noqa: F401


def serve(kinds: Sequence[str], listeners: dict[str, socket.socket], settings: Path) -> None:
    """Serve these kinds of servers until the process is killed; the listeners of others are closed."""
    for kind, listener in listeners.items():
        if kind not in kinds:
            listener.close()
    _read_settings(settings)
    _write_without_syncing()
    _run([(listeners[kind], settings / f"{kind}-server.conf") for kind in kinds])


def log_to_stderr(
    conf: object, name: str, to_console: object, route: object, fmt: object, logger: logging.Logger, adapted: object
) -> None:
    """Swift calls this for every logger it makes; the process's standard error is a file."""
    del conf, name, to_console, route, fmt, adapted
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger.addHandler(handler)


def _read_settings(settings: Path) -> None:
    import eventlet
    import eventlet.hubs
    from swift.common import constraints, storage_policy, utils

    utils.set_swift_dir(str(settings))
    utils.validate_configuration()
    # They were read when they were imported, from nowhere.
    constraints.reload_constraints()
    storage_policy.reload_storage_policies()
    utils.monkey_patch()
    eventlet.hubs.use_hub(utils.get_hub())
    eventlet.debug.hub_exceptions(False)
    utils.disable_fallocate()
    utils.FALLOCATE_RESERVE, utils.FALLOCATE_IS_PERCENT = 0, False
    os.environ["TZ"] = "UTC+0"
    time.tzset()


def _write_without_syncing() -> None:
    """A lab's data need not outlive a power cut."""
    from swift.common import db, utils
    from swift.obj import diskfile

    def nothing(*_: object, **__: object) -> None:
        return

    os.fsync = os.fdatasync = nothing
    for module in (utils, diskfile):
        for name in ("fsync", "fdatasync", "fsync_dir"):
            if hasattr(module, name):
                setattr(module, name, nothing)
    connect = db.get_db_connection

    def connect_without_syncing(*arguments: object, **options: object) -> object:
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    db.get_db_connection = connect_without_syncing


def _run(servers: Sequence[tuple[socket.socket, Path]]) -> None:
    import eventlet
    from eventlet import wsgi
    from eventlet.greenio import GreenSocket
    from swift.common.http_protocol import SwiftHttpProtocol
    from swift.common.utils import NullLogger
    from swift.common.wsgi import loadapp

    threads = [
        eventlet.spawn(
            wsgi.server,
            GreenSocket(listener),
            loadapp(str(settings), global_conf={"log_name": settings.stem}),
            NullLogger(),
            custom_pool=eventlet.GreenPool(4096),
            protocol=SwiftHttpProtocol,
            socket_timeout=300.0,
            capitalize_response_headers=False,
        )
        for listener, settings in servers
    ]
    for thread in threads:
        thread.wait()
