"""A comparison -> the tables of README and of docs/benchmarks.md. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.compare.shown import is_ours, shown
from benchmarks.compare.summary import rows, without_end
from benchmarks.compare.table import HEAD, cells, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.compare.outcome import Comparison
    from benchmarks.compare.summary import Row


def short(comparison: Comparison) -> str:
    """One row for each contender, one column for each scenario: time over the limit, copies."""
    picked = shown(comparison)
    lines = [
        _line(["time over the limit, copies", *picked.scenarios.values()]),
        _line(["---"] * (1 + len(picked.scenarios))),
    ]
    limits = [f"{picked.limits[name]:.0f} s, {picked.least(name):.2f}" for name in picked.scenarios]
    lines.append(_line(["*the limit, the fewest copies*", *limits]))
    for contender, title in picked.contenders.items():
        told = [_short_cell(picked.rows.get((name, contender))) for name in picked.scenarios]
        lines.append(_line([f"**`{title}`**" if is_ours(contender) else title, *told]))
    return "\n".join([*lines, "", _facts(comparison)])


def full(comparison: Comparison) -> str:
    """All rows with all figures, and how to run it again."""
    lines = [_line(HEAD), _line(["---"] * len(HEAD))]
    for row in rows(comparison):
        scenario, contender, *figures = cells(row)
        lines.append(_line([scenario, f"**{contender}**" if is_ours(row.contender) else contender, *figures]))
    command = comparison.about.get("command", "?")
    return "\n".join([_facts(comparison), "", *lines, "", "```", command, "```"])


def _short_cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.over_limit is None or row.copies is None:
        return without_end(row)
    good = row.rounds - row.failed
    some = f" ({row.failed} of {row.rounds} rounds failed)" if row.failed else ""
    return f"{spread(row.over_limit, 2, good)} x, {row.copies.median:.2f}{some}"


def _facts(comparison: Comparison) -> str:
    about = comparison.about
    rounds = about.get("rounds", "1")
    counted = "one round" if rounds == "1" else f"median and range of {rounds} rounds, where hosts trade"
    day = f", {about['date']}" if "date" in about else ""
    return (
        f"{about.get('hosts', '?')} hosts of {about.get('host link', '?')}, a store of {about.get('store link', '?')}, "
        f"{about.get('image', '?')}; {counted}; commit {about.get('commit', '?')}{day}."
    )


def _line(parts: Sequence[str]) -> str:
    return f"| {' | '.join(parts)} |"
