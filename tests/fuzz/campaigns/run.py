"""One target fuzzed in a process of its own, from its seeds until both bounds are reached.

Invariant: the process has ended when `fuzz` returns or raises.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import signal
import sys
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tests.fuzz.corpus import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.fuzz.target import Target

CHILD = (sys.executable, "-m", "tests.fuzz.campaigns.child")
"""Fuzzes one target."""

_STATE = re.compile(rb"#\d+\s+[A-Za-z]+\s+cov: (\d+) ft: (\d+) corp: (\d+)/")
_COUNT = re.compile(rb"(\d+) ([\d.]+)\n")
_SECONDS_TO_END = 30.0
_LINES_TOLD = 40
_LINE_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """When to stop: after so many executions and seconds without a new edge.

    Or, short of that, after `longest` seconds, or when `stop` is set.
    """

    executions: int
    quiet: float
    longest: float
    stop: asyncio.Event


@dataclass(slots=True)
class Progress:
    """What a run has done so far. `edges` of the decoder's code and `features` (edges by how often) are libFuzzer's.

    `edge_at` is when the last new edge was seen, and `executions_then` how many had been then.
    """

    executions: int = 0
    edges: int = 0
    features: int = 0
    inputs: int = 0
    edge_at: float = 0.0
    executions_then: int = 0
    processor: float = 0.0
    told_to_end: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """How a run ended. `finding` is the text of what broke.

    `quiet` and `executions_quiet` are the seconds and the executions since the last new edge.
    """

    target: str
    date: str
    executions: int
    seconds: float
    processor_seconds: float
    quiet: float
    executions_quiet: int
    edges: int
    features: int
    inputs: int
    reached: bool
    finding: str


async def fuzz(
    target: Target, bounds: Bounds, folder: Path, tell: Callable[[str], None], *, child: Sequence[str] = CHILD
) -> Report:
    """Fuzz one target; its inputs and findings are in `folder`, which is created and continued.

    `child` is the command to which the target's name and what libFuzzer wants to know are added.
    """
    inputs, findings = folder / "inputs", folder / "findings"
    for each in (inputs, findings):
        each.mkdir(parents=True, exist_ok=True)
    for data in (*target.seeds(), *kept(target.name)):
        (inputs / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data[: target.max_length])
    process = await asyncio.create_subprocess_exec(
        *(*child, target.name, str(inputs)),
        *(f"-max_len={target.max_length}", f"-artifact_prefix={findings}/", "-timeout=600", "-rss_limit_mb=0"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_LIMIT,
        # Ctrl-C is for us: we tell it to end, and know then that it was told.
        process_group=0,
    )
    started = time.monotonic()
    progress = Progress(edge_at=started)
    lines: deque[str] = deque(maxlen=_LINES_TOLD)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_count(process, progress, lines))
            tasks.create_task(_watch(process, progress, lines))
            tasks.create_task(_end(process, progress, bounds, started, lambda text: tell(f"{target.name}: {text}")))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    now = time.monotonic()
    # It ends by itself only when something broke.
    broken = not progress.told_to_end
    quiet = now - progress.edge_at
    reached = not broken and progress.executions >= bounds.executions and quiet >= bounds.quiet
    return Report(
        target.name,
        datetime.now(UTC).strftime("%Y-%m-%d"),
        progress.executions,
        round(now - started, 1),
        progress.processor,
        round(quiet, 1),
        progress.executions - progress.executions_then,
        progress.edges,
        progress.features,
        progress.inputs,
        reached,
        "\n".join(lines) if broken else "",
    )


async def _count(process: asyncio.subprocess.Process, progress: Progress, lines: deque[str]) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        # The rest is the traceback of a finding, or the fuzzer's word that it is interrupted.
        if found := _COUNT.fullmatch(line):
            progress.executions, progress.processor = int(found[1]), float(found[2])
        else:
            lines.append(line.decode(errors="replace").rstrip())


async def _watch(process: asyncio.subprocess.Process, progress: Progress, lines: deque[str]) -> None:
    """What libFuzzer tells: its state, or what it found."""
    assert process.stderr is not None
    async for line in process.stderr:
        found = _STATE.match(line)
        if found is None:
            if not line.startswith((b"INFO", b"WARNING")):
                lines.append(line.decode(errors="replace").rstrip())
            continue
        edges, progress.features, progress.inputs = map(int, found.groups())
        if edges > progress.edges:
            progress.edges, progress.edge_at = edges, time.monotonic()
            progress.executions_then = progress.executions


async def _end(
    process: asyncio.subprocess.Process, progress: Progress, bounds: Bounds, started: float, tell: Callable[[str], None]
) -> None:
    """Wait until both bounds are reached, or it ends by itself; then see to its end."""
    told = started
    while process.returncode is None:
        now = time.monotonic()
        if now - told >= 60:
            told = now
            quiet = now - progress.edge_at
            tell(f"{progress.executions:,} executions, {progress.edges} edges, no new one for {quiet:.0f} s")
        done = progress.executions >= bounds.executions and now - progress.edge_at >= bounds.quiet
        if done or now - started >= bounds.longest or bounds.stop.is_set():
            progress.told_to_end = True
            process.send_signal(signal.SIGINT)
            break
        await _ended(process, 1.0)
    await _ended(process, _SECONDS_TO_END)
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _ended(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Wait for its end, for so long at most."""
    try:
        async with asyncio.timeout(seconds):
            await process.wait()
    except TimeoutError:
        pass
