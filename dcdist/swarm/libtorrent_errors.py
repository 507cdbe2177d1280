"""Maps the errors of libtorrent to those of dcdist, here and nowhere else."""

from __future__ import annotations

import errno
import os

import libtorrent as lt

from dcdist.errors import DiskError, DiskFullError, SwarmError

_FULL = {errno.ENOSPC, errno.EDQUOT}


def begin_session(parameters: lt.session_params) -> lt.session:
    """A new session.

    Raises:
        SwarmError: It cannot begin.
    """
    try:
        return lt.session(parameters)
    except RuntimeError as error:
        raise SwarmError(f"libtorrent cannot begin: {error}") from error


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


def session_failure(alert: lt.alert) -> str:
    """Why the session failed: its message without the number of the error and the place in the source."""
    return alert.message().removeprefix("session error: ").rpartition(") ")[2].partition(" [")[0]


def silence_error(address: str, port: int, reason: str = "") -> SwarmError:
    """The session neither listens nor says that it cannot; `reason`: what it said instead."""
    where = f"{address} port {port}" if port else f"any port of {address}"
    return SwarmError(
        f"libtorrent does not listen on {where}"
        + (f": {reason}" if reason else ", and does not say why")
        + ". It asks the kernel for this host's addresses: allow AF_NETLINK (systemd: RestrictAddressFamilies)"
    )


def _free(path: str) -> int:
    try:
        room = os.statvfs(path)
    except OSError:
        return 0
    return room.f_bavail * room.f_frsize
