"""One host of a soak: it fetches a version, something happens to it or not, and what it calls done is compared."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import PROJECT
from benchmarks.soak.attribution import read_log
from benchmarks.soak.damage import Damages

if TYPE_CHECKING:
    import random

    from benchmarks.soak.site import Site
    from benchmarks.soak.tally import Tally

_LIMIT = 240.0
"""Seconds that a fetch may take, whatever goes wrong."""

_TESTIFY = 3.0
"""Seconds that a process which is stuck has to say where."""


@dataclass(slots=True)
class Host:
    """A host with a folder, which keeps its cache from one fetch to the next, as a rule."""

    site: Site
    name: str
    dealer: random.Random
    tally: Tally
    damages: Damages = field(default_factory=Damages)

    @property
    def folder(self) -> Path:
        """Its cache, its images, and what a fetch leaves for those who look for a cause."""
        return self.site.folder / self.name

    @property
    def evidence(self) -> Path:
        """The log and the trace of its latest fetch, and what its processes told when they were asked."""
        return self.folder / "evidence"

    def keep(self, kept: Path) -> None:
        """Copy the evidence to where it outlives the soak, and name the place."""
        place = kept / f"{self.name}-{len(self.tally.wrong)}"
        shutil.copytree(self.evidence, place, dirs_exist_ok=True)
        self.tally.wrong[-1] += f" (see {place})"


async def be_a_host(host: Host, ends: float) -> None:
    """Fetch again and again until the time has come."""
    while time.monotonic() < ends:
        await asyncio.sleep(host.dealer.uniform(0.0, 3.0))
        _begin_anew(host)
        await _fetch(host)


def _begin_anew(host: Host) -> None:
    """Throw the images away; now and then the cache too, or damage it."""
    shutil.rmtree(host.folder / "images", ignore_errors=True)
    chance = host.dealer.random()
    if chance < 0.4:
        shutil.rmtree(host.folder / "cache", ignore_errors=True)
        host.damages.discarded()
    elif chance < 0.6:
        host.tally.injected["damaged caches"] += host.damages.inflict(host.folder / "cache", host.dealer)


async def _fetch(host: Host) -> None:
    begun, known_wrong = _now(), len(host.tally.wrong)
    version = host.dealer.choice(host.site.versions)
    shutil.rmtree(host.evidence, ignore_errors=True)
    host.evidence.mkdir(parents=True)
    command = host.site.command(
        "fetch", f"demo@{version}", "--trust", host.site.trust, "--dest", host.folder / "images",
        "--cache", host.folder / "cache", "--listen", "127.0.0.1:0", "--seed-for", host.dealer.choice(["0", "3s"]),
        "--prefer", host.dealer.choice(["time", "egress"]), "--store-rate", host.dealer.choice(["2MB", "5MB", "20MB"]),
        "--json", "--log-file", host.evidence / "log", "--trace", host.evidence / "trace",
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *command, cwd=PROJECT, env=host.site.watched(host.evidence, host.name), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, limit=1 << 22,
    )  # fmt: skip
    harm = asyncio.ensure_future(_harm(host, process))
    try:
        async with asyncio.timeout(_LIMIT):
            out, errors = await process.communicate()
    except TimeoutError:
        await _end_stuck(process)
        host.tally.wrong.append(f"{host.name}: a fetch of version {version} did not end within {_LIMIT:.0f} s")
        out, errors = b"", b""
    finally:
        harm.cancel()
        await asyncio.gather(harm, return_exceptions=True)
    code = process.returncode or 0
    _judge(host, version, code, out, errors.decode())
    _read_log(host, version, begun, done=code == 0)
    if len(host.tally.wrong) > known_wrong:
        (host.evidence / "said").write_bytes(out + errors)
        host.keep(host.site.kept)


async def _end_stuck(process: asyncio.subprocess.Process) -> None:
    """Have the processes of a fetch tell what they are at, then kill them."""
    pids = {process.pid, _worker(process.pid)}
    for number in (signal.SIGUSR1, signal.SIGKILL):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        await asyncio.sleep(_TESTIFY)
    await process.wait()


async def _harm(host: Host, process: asyncio.subprocess.Process) -> None:
    """What happens to the process, if anything, at a moment of chance."""
    await asyncio.sleep(host.dealer.uniform(0.2, 12.0))
    chance = host.dealer.random()
    if process.returncode is not None or chance < 0.5:
        return
    worker = _worker(process.pid)
    if chance < 0.65:
        host.tally.injected["kill -9"] += 1
        os.kill(worker, signal.SIGKILL)
    elif chance < 0.75:
        host.tally.injected["kill -9 of the command"] += 1
        process.kill()
    elif chance < 0.85:
        host.tally.injected["SIGTERM"] += 1
        process.terminate()
    else:
        host.tally.injected["standing still"] += 1
        os.kill(worker, signal.SIGSTOP)
        try:
            await asyncio.sleep(host.dealer.uniform(1.0, 10.0))
        finally:
            os.kill(worker, signal.SIGCONT)


def _worker(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def _judge(host: Host, version: str, code: int, out: bytes, errors: str) -> None:
    image = host.folder / "images" / "vm.img"
    tally = host.tally
    if image.exists() and hashlib.sha256(image.read_bytes()).hexdigest() != host.site.digests[version]:
        tally.wrong.append(f"{host.name}: the image of version {version} has other bytes")
    if "Traceback" in errors:
        tally.wrong.append(f"{host.name}: {errors[-600:]}")
    if code == 0:
        tally.done["fetches"] += 1
        last = json.loads(out.splitlines()[-1])
        tally.bytes.update({name: int(count) for name, count in last["bytes"].items()})
        if not image.exists():
            tally.wrong.append(f"{host.name}: version {version} was called done and is not there")
    elif code < 0:
        tally.done["killed"] += 1
    elif code in {130, 143}:
        tally.done["told to end"] += 1
    else:
        tally.done[f"gave up with a reason (code {code})"] += 1
        last = json.loads(out.splitlines()[-1]) if out.strip() else {}
        if last.get("event") != "error":
            tally.wrong.append(f"{host.name}: ended with {code} and said nothing")
        else:
            tally.reasons.append(str(last.get("message")))


def _now() -> float:
    """As logs have it, in seconds."""
    return datetime.now(UTC).timestamp()


def _read_log(host: Host, version: str, begun: float, *, done: bool) -> None:
    log = host.evidence / "log"
    lines = log.read_text().splitlines() if log.exists() else []
    run, troubles = read_log(host.name, begun, _now(), lines, done=done)
    host.tally.troubles.update(troubles)
    host.tally.runs.append(run)
    host.damages.fetched({word.source for word in run.words}, host.site.layers[version] if done else None)
