"""How much memory a host takes: the most that its processes had, as the kernel counts it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.fault_site import HostProcess

_LOOK = 0.1


@dataclass
class MemoryUse:
    """Bytes of each process of a host, by its id: the most that was resident, code and mapped files with it."""

    resident: dict[int, int] = field(default_factory=dict)

    @property
    def most(self) -> int:
        """Of all processes together, as if each had its most at the same time."""
        return sum(self.resident.values())

    def look(self, pid: int) -> None:
        """Note what a process and its children had until now; those that have ended keep what was noted."""
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.resident[pid] = int(line.split()[1]) << 10
        for child in children:
            self.look(int(child))


@asynccontextmanager
async def watched(host: HostProcess) -> AsyncIterator[MemoryUse]:
    """Look at a host's memory again and again, until the context is left."""
    use = MemoryUse()

    async def watch() -> None:
        while True:
            use.look(host.process.pid)
            await asyncio.sleep(_LOOK)

    watching = asyncio.create_task(watch())
    try:
        yield use
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
