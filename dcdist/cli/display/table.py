"""Plain aligned text: each column is as wide as its widest cell, and each row is one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.shown_text import on_one_line

if TYPE_CHECKING:
    from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: frozenset[int] = frozenset()) -> str:
    """The rows under their header; columns whose numbers are in `right` are aligned to the right."""
    shown = [[on_one_line(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(header))]
    lines = []
    for row in shown:
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
