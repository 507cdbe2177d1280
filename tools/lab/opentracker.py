"""A real BitTorrent tracker (opentracker) on this machine. Root only: it changes its root and becomes nobody.

    with Tracker(directory, address, [info_hash], wrapper=network.command("store")) as tracker:
        tracker.url    # http://ADDRESS:PORT/announce

Debian's build serves only the torrents on its list. It dies with the process that started it.
"""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

PORT = 16969
_START_SECONDS = 10.0
_GUARDED = 'opentracker "$@" & tracker=$!; cat; kill $tracker; wait'


class TrackerError(Exception):
    """The tracker did not start."""


class Tracker:
    """A tracker for some torrents (hex v1 info hashes). Each directory above `directory` must be open to all."""

    def __init__(
        self, directory: Path, address: str, info_hashes: Sequence[str], *, wrapper: Sequence[str] = ()
    ) -> None:
        self._directory = directory
        self._address = address
        self._hashes = tuple(info_hashes)
        self._wrapper = tuple(wrapper)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where to announce."""
        return f"http://{self._address}:{PORT}/announce"

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._directory.chmod(0o755)
        (self._directory / "white").write_text("".join(f"{each}\n" for each in self._hashes))
        arguments = ["-i", self._address, "-p", str(PORT), "-P", str(PORT), "-d", str(self._directory), "-w", "white"]
        # The wrapper comes first: becoming nobody would clear a death signal, so a guard that stays root holds it.
        self._process = subprocess.Popen(
            [
                *self._wrapper,
                "sh",
                "-c",
                _GUARDED,
                "sh",
                *arguments,
                "-u",
                "nobody",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(self._process.pid):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop()
                raise TrackerError(f"opentracker does not listen on {self._address}:{PORT}")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.wait()
            self._process = None


def _listens(process: int) -> bool:
    """Whether a process in that process's network namespace listens on the port."""
    try:
        sockets = Path("/proc", str(process), "net/tcp").read_text().splitlines()[1:]
    except OSError:
        return False
    return any(line.split()[1].endswith(f":{PORT:04X}") and line.split()[3] == "0A" for line in sockets)
