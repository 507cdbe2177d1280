"""What a figure depends on besides the program: machine, system, commit, day."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import PROJECT


def facts(directory: Path) -> dict[str, str]:
    """The machine, and the file system that `directory` is on."""
    return {
        "processor": _line("/proc/cpuinfo", "model name"),
        "cores": str(os.cpu_count()),
        "memory": _line("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", "unknown"),
        "python": platform.python_version(),
        "swift": version("swift"),
        "libtorrent": version("libtorrent"),
        "file system": _output("findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(directory)),
        "commit": commit(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def commit(checkout: Path = PROJECT) -> str:
    """The commit of a checkout; with `+` when files differ from it."""
    git = ("git", "-C", str(checkout))
    changed = _output(*git, "status", "--porcelain", "--untracked-files=no")
    return _output(*git, "rev-parse", "--short=12", "HEAD") + ("+" if changed else "") or "unknown"


def _line(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
