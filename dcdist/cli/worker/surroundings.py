"""What this command runs in, and whether a process of it may go on alone: a container and a service end with theirs.

Sources: pid_namespaces(7) for process 1; systemd.exec(5), systemd.kill(5) and sd_notify(3) for services.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What decides over a process that goes on when the command has ended.

    `stay`: why the command must not end before it; empty if it may. `end_with`: the service that may end it; empty if
    none does. Both are for people.
    """

    stay: str = ""
    end_with: str = ""


_SMALL_INITS = {"tini", "docker-init", "dumb-init", "catatonit", "podman-init"}
"""Programs that are process 1 of a container, start its command, and end with it."""


def surroundings(
    pid: int,
    *,
    parent: int,
    environment: Mapping[str, str] = os.environ,
    cgroup: str | None = None,
    first: str | None = None,
) -> Surroundings:
    """Those of process `pid`, a child of `parent`.

    `cgroup` is the text of `/proc/self/cgroup`, and `first` that of `/proc/1/comm`; they are read if None.
    """
    if pid == 1:
        return Surroundings(stay="it is process 1 here, and its container ends with it")
    if parent == 1 and (_read("/proc/1/comm") if first is None else first).strip() in _SMALL_INITS:
        return Surroundings(stay="its container ends with it")
    service = _service(_read("/proc/self/cgroup") if cgroup is None else cgroup)
    if not service:
        return Surroundings()
    is_main = environment.get("SYSTEMD_EXEC_PID") == str(pid) or parent == 1
    if is_main and environment.get("NOTIFY_SOCKET"):
        return Surroundings(stay=f"{service} ends with it; systemd was told that the images are ready")
    if is_main or environment.get("INVOCATION_ID"):
        return Surroundings(end_with=service)
    return Surroundings()


def tell_ready(environment: Mapping[str, str] = os.environ) -> None:
    """Tell the system, if it asked for that, that this service is ready (systemd's `Type=notify`)."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifying:
        notifying.setblocking(False)
        # '@' stands for the null character of an abstract address.
        notifying.sendto(b"READY=1\n", address if address[0] == "/" else "\0" + address[1:])


def _service(cgroup: str) -> str:
    """The service whose control group this is; a login or a user's program has a scope instead."""
    for line in cgroup.splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        name = path.rpartition("/")[2]
        if controllers in {"", "name=systemd"} and name.endswith(".service"):
            return name
    return ""


def _read(path: str) -> str:
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""
