"""Processes that stay: two seeders, and what they take; and processes that should not be there any more."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import PROJECT
from benchmarks.soak.tally import Sample

if TYPE_CHECKING:
    from benchmarks.soak.site import Site

_END_SECONDS = 30.0
_LOOK_SECONDS = 0.1


class Seeder:
    """One that gives the first version as long as the soak lasts."""

    def __init__(self, site: Site, number: int) -> None:
        self.name = f"seeder {number + 1}"
        self._site = site
        self._folder = site.folder / f"seeder{number}"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Begin, and wait until it seeds."""
        self._folder.mkdir()
        command = self._site.command(
            "seed", "demo@1", "--trust", self._site.trust, "--cache", self._folder / "cache", "--listen", "127.0.0.1:0",
            "--json",
        )  # fmt: skip
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=PROJECT, env=self._site.watched(self._folder), stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, limit=1 << 22,
        )  # fmt: skip
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if b'"seeding"' in line:
                break
        self._rest = asyncio.ensure_future(self._process.stdout.read())

    def sample(self) -> Sample:
        """What it takes now."""
        assert self._process is not None
        told = self._folder / f"tasks.{self._process.pid}"
        tasks = int(told.read_text() or 0) if told.exists() else 0
        os.kill(self._process.pid, signal.SIGUSR2)  # the answer is read next time
        place = Path(f"/proc/{self._process.pid}")
        fields = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        return Sample(
            memory=int(fields["VmRSS"].split()[0]) * 1024,
            descriptors=len(os.listdir(place / "fd")),
            threads=int(fields["Threads"]),
            tasks=tasks,
        )

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            async with asyncio.timeout(_END_SECONDS):
                await self._process.wait()
            await self._rest


def left_over(folder: str, *, patience: float = _END_SECONDS) -> list[str]:
    """The processes that still name a folder of the soak after `patience` seconds, in which fetches seed and end."""
    late = time.monotonic() + patience
    while (found := _at_work(folder)) and time.monotonic() < late:
        time.sleep(_LOOK_SECONDS)
    return found


def _at_work(folder: str) -> list[str]:
    """As PID and command, all but the store's own."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            command = (place / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if folder in command and " dcdist " in command:
            found.append(f"{place.name} {command[:80]}")
    return found
