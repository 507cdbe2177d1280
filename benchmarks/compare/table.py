"""Rows -> aligned text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.columns import aligned
from benchmarks.compare.summary import without_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.compare.summary import Row
    from benchmarks.report import Spread

HEAD = ("scenario", "contender", "last host s", "over limit", "copies", "least", "MB a host", "from peers")


def cells(row: Row) -> tuple[str, ...]:
    """One row as text, a cell for each column of `HEAD`."""
    name = row.contender + (f" ({row.failed} of {row.rounds} failed)" if row.failed else "")
    if row.last is None or row.over_limit is None or row.copies is None:
        return (row.scenario, name, without_end(row), "", "", f"{row.least:.2f}", "", "")
    return (
        row.scenario,
        name,
        spread(row.last, 1, row.rounds),
        spread(row.over_limit, 2, row.rounds),
        spread(row.copies, 2, row.rounds),
        f"{row.least:.2f}",
        "" if row.received is None else f"{row.received:.0f}",
        "" if row.peers is None else f"{row.peers:.0%}",
    )


def text(found: Sequence[Row]) -> str:
    """Aligned columns, a blank line between scenarios."""
    return aligned(HEAD, map(cells, found))


def spread(figures: Spread, digits: int, rounds: int) -> str:
    """The median, and the range if there is one."""
    return figures.show(digits) if rounds > 1 else f"{figures.median:.{digits}f}"
