"""Runs one client to its end and prints what it took, as JSON; a process of its own: all it counts is the client's.

Reads one JSON object from standard input: `command`, `environment`, `sync` (a directory whose files are synced within
the measured time), `log` (where the client's output goes). Processes that the client leaves behind are adopted, waited
for and counted: their CPU always, their time not, since the client's user has what was asked for by then.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 0.05
LINGER_SECONDS = 30.0
FIELDS = ("Pss", "Pss_Anon", "Pss_Shmem")


class MemoryWatch:
    """The peak memory of all descendants of this process: PSS, and the part of it that no file backs (bytes).

    PSS counts a page that n processes share as 1/n for each, so its sum over a process tree counts every page once. It
    includes pages of mapped files that happen to be resident; `own_peak` leaves those out.
    """

    def __init__(self) -> None:
        self.peak = 0
        self.own_peak = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End; the peaks are final."""
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            everything = own = 0
            for process in descendants(os.getpid()):
                sizes = memory_of(process)
                everything += sizes["Pss"]
                own += sizes["Pss_Anon"] + sizes["Pss_Shmem"]
            self.peak = max(self.peak, everything)
            self.own_peak = max(self.own_peak, own)


def descendants(process: int) -> list[int]:
    """All processes below this one that live now."""
    found = []
    for task in _entries(Path("/proc", str(process), "task")):
        with suppress(OSError):
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def memory_of(process: int) -> dict[str, int]:
    """Bytes by field of one process; zeros when it is gone."""
    sizes = dict.fromkeys(FIELDS, 0)
    with suppress(OSError):
        for line in Path("/proc", str(process), "smaps_rollup").read_text().splitlines()[1:]:
            name, _, value = line.partition(":")
            if name in sizes:
                sizes[name] = int(value.split()[0]) * 1024
    return sizes


def sync(directory: Path) -> None:
    """Bring every file below a directory, and the directories, to the disk."""
    for path in (directory, *directory.rglob("*")):
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def wait_for_the_rest() -> bool:
    """Wait for what the client left behind; False if it does not end."""
    deadline = time.monotonic() + LINGER_SECONDS
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            return True
    return False


def main() -> int:
    """Run the client; 0 when it could be run, whatever it returned."""
    order = json.load(sys.stdin)
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        return 1
    memory = MemoryWatch()
    with Path(order["log"]).open("wb") as log:
        memory.start()
        try:
            begun = time.monotonic()
            client = subprocess.run(
                order["command"],
                env=order["environment"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
            sync(Path(order["sync"]))
            seconds = time.monotonic() - begun
            ended = wait_for_the_rest()
        finally:
            memory.end()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = {
        "code": client.returncode,
        "seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "peak_memory": memory.peak,
        "peak_own_memory": memory.own_peak,
        "ended": ended,
    }
    json.dump(result, sys.stdout)
    return 0


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


if __name__ == "__main__":
    sys.exit(main())
