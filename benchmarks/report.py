"""Runs -> medians, ranges and ratios, as one table for people and one JSON object for machines."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.columns import aligned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.measure import Measurement

GIBIBYTE = 1 << 30
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """One measurement and what was measured: which client, over which link, in which round."""

    contender: str
    link: str
    round: int
    measured: Measurement


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, least and most of some figures."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(figures: Sequence[float]) -> Spread:
        """The spread of at least one figure."""
        return Spread(statistics.median(figures), min(figures), max(figures))

    def show(self, digits: int) -> str:
        """`median (least-most)`."""
        return f"{self.median:.{digits}f} ({self.least:.{digits}f}-{self.most:.{digits}f})"


@dataclass(frozen=True, slots=True)
class Row:
    """All rounds of one client over one link. `ratio` is its speed over the baseline's, by medians; memory in MiB."""

    link: str
    contender: str
    seconds: Spread
    megabytes_per_second: Spread
    cpu_seconds_per_gibibyte: Spread
    memory: Spread
    own_memory: Spread
    ratio: float | None


def rows(runs: Sequence[Run], *, size: int, baseline: str) -> list[Row]:
    """One row for each client and link, in the order in which they first ran; `size` is the image's bytes."""
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for run in runs:
        groups.setdefault((run.link, run.contender), []).append(run.measured)
    medians = {key: statistics.median(each.seconds for each in group) for key, group in groups.items()}
    found = []
    for (link, contender), group in groups.items():
        reference = medians.get((link, baseline))
        found.append(
            Row(
                link=link,
                contender=contender,
                seconds=Spread.of([each.seconds for each in group]),
                megabytes_per_second=Spread.of([size / 1e6 / each.seconds for each in group]),
                cpu_seconds_per_gibibyte=Spread.of([each.cpu_seconds * GIBIBYTE / size for each in group]),
                memory=Spread.of([each.memory / MEBIBYTE for each in group]),
                own_memory=Spread.of([each.own_memory / MEBIBYTE for each in group]),
                ratio=reference / medians[link, contender] if reference else None,
            )
        )
    return found


def table(found: Sequence[Row]) -> str:
    """Aligned columns, a blank line between links."""
    head = ("link", "client", "seconds", "image MB/s", "to baseline", "CPU s/GiB", "peak MiB", "without files MiB")
    lines = [
        (
            row.link,
            row.contender,
            row.seconds.show(2),
            row.megabytes_per_second.show(0),
            "" if row.ratio is None else f"{row.ratio:.2f}",
            row.cpu_seconds_per_gibibyte.show(2),
            row.memory.show(0),
            row.own_memory.show(0),
        )
        for row in found
    ]
    return aligned(head, lines)


def write_json(path: Path, *, about: Mapping[str, object], runs: Sequence[Run], found: Sequence[Row]) -> None:
    """Everything: the facts, each run, and the rows."""
    content = {
        **about,
        "rows": [_plain(row) for row in found],
        "runs": [{**_plain(run), "measured": _plain(run.measured)} for run in runs],
    }
    path.write_text(json.dumps(content, indent=2, default=_plain) + "\n")


def _plain(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in type(value).__slots__}  # type: ignore[attr-defined]
