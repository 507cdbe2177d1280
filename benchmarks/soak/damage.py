"""Other bytes in the cache of a host, behind its back, and what became of each such damage.

Invariant: a damage is open until its fate is known; one that a fetch must have met and did not tell is wrong.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.soak.attribution import UNEXPLAINED
from dcdist.model import pieces
from dcdist.model.geometry import Geometry

if TYPE_CHECKING:
    import random
    from collections.abc import Collection
    from pathlib import Path

TOLD = "told with its file"
UNHAD = "fell on bytes that nobody believed in"
DISCARDED = "thrown away unread, with the cache"
UNREAD = "not read again before the end"

_BYTES = b"damage"


@dataclass(slots=True)
class Damages:
    """Those of one host: data files with open damages and how many, and the fates of the others."""

    fates: Counter[str] = field(default_factory=Counter)
    _open: Counter[Path] = field(default_factory=Counter)

    def inflict(self, cache: Path, dealer: random.Random) -> bool:
        """Write other bytes into the middle of a layer's data; whether there was any."""
        files = sorted(each for each in cache.rglob("data") if each.is_file() and each.stat().st_size)
        if not files:
            return False
        file = dealer.choice(files)
        size = file.stat().st_size
        at = dealer.randrange(size - len(_BYTES))
        with file.open("r+b") as data:
            data.seek(at)
            data.write(_BYTES)
        if _was_had(file, size, at):
            self._open[file] += 1
        else:
            self.fates[UNHAD] += 1
        return True

    def discarded(self) -> None:
        """The cache was thrown away."""
        self._close(list(self._open), DISCARDED)

    def fetched(self, sources: Collection[str], layers: Collection[str] | None) -> None:
        """A fetch told of wrong bytes from `sources`; `layers` it has read whole, if it ended well."""
        self._close([file for file in self._open if str(file) in sources], TOLD)
        if layers is not None:
            self._close([file for file in self._open if file.parent.name in layers], UNEXPLAINED)

    def end(self) -> None:
        """No fetch comes any more."""
        self._close(list(self._open), UNREAD)

    def _close(self, files: list[Path], fate: str) -> None:
        for file in files:
            self.fates[fate] += self._open.pop(file)


def _was_had(file: Path, size: int, at: int) -> bool:
    """Whether the host believes, by its journal, that it has the piece there."""
    resume = file.with_name("resume")
    if not resume.exists():
        return False
    had = pieces.from_bytes(resume.read_bytes())
    return bool(had >> at // Geometry.for_length(size).piece_length & 1)
