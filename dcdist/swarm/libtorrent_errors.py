"""Maps the errors of libtorrent to those of dcdist, here and nowhere else."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from dcdist.errors import DiskError, DiskFullError, SwarmError

if TYPE_CHECKING:
    import libtorrent as lt

_FULL = {errno.ENOSPC, errno.EDQUOT}


def disk_error(alert: lt.file_error_alert) -> DiskError:
    """A data file could not be read or written."""
    path, code = alert.filename(), alert.error.value()
    message = f"cannot read or write {path}: {alert.error.message()}"
    if code in _FULL and alert.error.category().name() in {"system", "generic"}:
        return DiskFullError(f"{message}; make room there and start again", path=path, free=_free(path))
    return DiskError(message, path=path)


def listen_error(alert: lt.listen_failed_alert, address: str, port: int) -> SwarmError:
    """The session cannot listen at `address` and `port`."""
    protocol = "UDP" if "uTP" in alert.message() else "TCP"
    if alert.error.value() == errno.EADDRINUSE:
        advice = (
            "choose another port, or end the process that uses it: an earlier fetch may still be seeding there, see "
            "seeding.log in its cache"
        )
    else:
        advice = "choose an address of this host and a port that this user may use"
    return SwarmError(f"cannot listen on {address} port {port} ({protocol}): {alert.error.message()}; {advice}")


def _free(path: str) -> int:
    try:
        room = os.statvfs(path)
    except OSError:
        return 0
    return room.f_bavail * room.f_frsize
