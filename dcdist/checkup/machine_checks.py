"""Asks this host for its software, its limits and its memory."""

from __future__ import annotations

import asyncio
import platform
import resource
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dcdist.checkup.findings import machine_findings
from dcdist.checkup.findings.machine_findings import SoftwareSeen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.checkup.findings.finding import Finding

_MEMORY = Path("/proc/meminfo")
_CONTROL_GROUPS = Path("/sys/fs/cgroup")


async def check_software(version: str) -> Finding:
    """Load libtorrent, and say which versions there are; `version` is that of dcdist."""
    return machine_findings.of_software(await asyncio.to_thread(_software, version))


async def check_open_files() -> Finding:
    """The limit of open files: a fetch raises the soft one up to the hard one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return machine_findings.of_open_files(float("inf") if hard == resource.RLIM_INFINITY else hard)


async def check_memory() -> Finding:
    """What the system and a control group leave to this process."""
    return machine_findings.of_memory(min(_available(), default=None))


def _software(version: str) -> SoftwareSeen:
    try:
        from dcdist.swarm.libtorrent_build import libtorrent_version
    except ImportError as error:
        return SoftwareSeen(version, platform.python_version(), "", str(error))
    return SoftwareSeen(version, platform.python_version(), libtorrent_version())


def _available() -> Iterator[int]:
    """Each bound that can be read, in bytes."""
    with suppress(OSError, ValueError, IndexError):
        for line in _MEMORY.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                yield int(line.split()[1]) * 1024
    with suppress(OSError, ValueError):  # no control group of version 2, or "max"
        limit = int((_CONTROL_GROUPS / "memory.max").read_text())
        yield max(0, limit - int((_CONTROL_GROUPS / "memory.current").read_text()))
