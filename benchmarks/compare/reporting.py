"""Writes the report of a comparison: JSON, one HTML page, and the figures as pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from benchmarks.compare import page, plots, table
from benchmarks.compare.outcome import from_json, to_json
from benchmarks.compare.summary import rows, scenarios_of
from benchmarks.compare.versus import sentence, versus
from benchmarks.plot_style import svg

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.compare.outcome import Comparison

DATA = "comparison.json"


def write(comparison: Comparison, folder: Path) -> str:
    """Write `comparison.json`, `index.html` and a PNG for each figure; the table as text."""
    save(comparison, folder)
    figures = {"overview": plots.overview(comparison)}
    figures |= {name: plots.scenario(comparison, name) for name in scenarios_of(comparison)}
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=150, facecolor="white")
    drawn = {name: svg(figure) for name, figure in figures.items()}
    (folder / "index.html").write_text(page.render(comparison, drawn))
    found = rows(comparison)
    return "\n\n".join(part for part in (table.text(found), "\n".join(map(sentence, versus(found)))) if part)


def save(comparison: Comparison, folder: Path) -> None:
    """Write the data alone, as after each race: what was measured is never lost.

    Beside a `Comparison` as it is, `against` has the ratios to another checkout, if one raced.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = to_json(comparison)
    if pairs := versus(rows(comparison)):
        content["against"] = [asdict(pair) for pair in pairs]
    (folder / DATA).write_text(json.dumps(content) + "\n")


def load(folder: Path) -> Comparison:
    """What `save` wrote.

    Raises:
        OSError: It cannot be read.
        ValueError, KeyError, TypeError: It is no comparison.
    """
    return from_json(json.loads((folder / DATA).read_text()))
