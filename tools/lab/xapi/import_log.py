"""What became of each import: a file of JSON lines that the server writes and the caller reads.

Invariant: an import that was begun has a line from then on, and its last line is how it ended.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

State = Literal["under way", "whole", "failed"]


@dataclass(frozen=True, slots=True)
class Import:
    """One `PUT /import`: of which VM (empty until ova.xml is read), how it was answered, and what became of it.

    `status` is that of HTTP. `error` is the failure's code and parameters. `length` is the Content-Length, `taken` the
    bytes of the body that were read. `disks` are raw files in the order of the stream; a failed import has none left.
    Times are seconds of the machine's monotonic clock, which all its processes share; `first` is the first block's.
    """

    number: int
    state: State
    vm: str
    task: str
    status: int
    begun: float
    error: tuple[str, ...] = ()
    length: int | None = None
    taken: int = 0
    disks: tuple[Path, ...] = ()
    first: float | None = None
    ended: float | None = None


class ImportLog:
    """Writes the file, from several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._next = 1 + max((each.number for each in read_imports(path)), default=0)

    def number(self) -> int:
        """A number for one more import."""
        with self._lock:
            self._next += 1
            return self._next - 1

    def write(self, entry: Import) -> None:
        """How that import stands now."""
        line = json.dumps({**asdict(entry), "disks": [str(disk) for disk in entry.disks]})
        with self._lock, self._path.open("a") as file:
            file.write(f"{line}\n")


def read_imports(path: Path) -> list[Import]:
    """All imports by their numbers, each as it stands; none if there is no file."""
    if not path.exists():
        return []
    # The last line may be half written.
    lines = path.read_text().rpartition("\n")[0].splitlines()
    latest = {entry.number: entry for entry in map(_entry, lines)}
    return [latest[number] for number in sorted(latest)]


def end_all(path: Path) -> None:
    """Imports that are under way have failed, since the process that took them is gone; their disks are removed."""
    log = ImportLog(path)
    for entry in read_imports(path):
        if entry.state == "under way":
            for disk in entry.disks:
                disk.unlink(missing_ok=True)
            log.write(replace(entry, state="failed", error=("THE_LAB_STOPPED",)))


def _entry(line: str) -> Import:
    values = json.loads(line)
    disks = tuple(Path(disk) for disk in values.pop("disks"))
    return Import(disks=disks, error=tuple(values.pop("error")), **values)
