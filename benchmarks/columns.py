"""Rows of cells as aligned text. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def aligned(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as they must be, the head first; a blank line before each row whose first cell is a new one."""
    lines = [head]
    for row in rows:
        if len(lines) > 1 and lines[-1][0] != row[0]:
            lines.append(("",) * len(head))
        lines.append(row)
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )
