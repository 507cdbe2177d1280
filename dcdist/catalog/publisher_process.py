"""Which process a publish belongs to, and whether that process is gone."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

from dcdist.formats.journal import PublisherProcess

RUNNING: Final[set[str]] = set()
"""The publishes of this process: one that was cancelled is gone, though its process is not."""


def this_process() -> PublisherProcess:
    """This process. A host is told apart by its name and its machine ID: many are called localhost."""
    machine = _line("/etc/machine-id")
    host = f"{socket.gethostname()} {machine}".strip()[:255]
    return PublisherProcess(host, _line("/proc/sys/kernel/random/boot_id"), os.getpid(), _started(os.getpid()))


def is_gone(owner: PublisherProcess, here: PublisherProcess) -> bool:
    """Whether that process is known to have ended, as seen from `here`; False if it ran on another host."""
    if owner.host != here.host:
        return False
    return owner.boot != here.boot or _started(owner.pid) != owner.started


def _started(pid: int) -> int:
    """When a process started, in ticks since boot: process IDs are reused. 0 if there is none."""
    # The second field is the command in parentheses, which may hold anything.
    fields = _line(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 else 0


def _line(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
