"""The comparison as one picture for README: contenders below each other, scenarios beside each other.

Above, the time over the limit; below, the copies that the store sent. Stems begin at the best possible, so that their
length is what a contender takes more. Nothing is behind it: the colours are chosen for a light page or for a dark one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.compare.shown import is_ours, shown
from benchmarks.compare.summary import without_end
from benchmarks.plot_style import styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from benchmarks.compare.outcome import Comparison
    from benchmarks.compare.shown import Shown
    from benchmarks.compare.summary import Row
    from benchmarks.report import Spread

_INCHES = (10.4, 0.9, 0.5)
"""Width, height of titles and axes, height of a contender."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours for one kind of page; `ours`: by contender."""

    text: str
    quiet: str
    grid: str
    others: str
    ours: tuple[tuple[str, str], ...]

    def of(self, contender: str) -> str:
        """The colour of a contender."""
        return dict(self.ours).get(contender, self.others)


LIGHT = Palette("#1f2328", "#59636e", "#d8dee4", "#6e7781", (("dcdist", "#0a5cad"), ("dcdist-egress", "#0a5cad")))
DARK = Palette("#f0f6fc", "#9198a1", "#30363d", "#8b949e", (("dcdist", "#6cb6ff"), ("dcdist-egress", "#6cb6ff")))


def draw(comparison: Comparison, palette: Palette) -> Figure:
    """The picture.

    Raises:
        ValueError: Nothing in the comparison is shown beside another way of distribution.
    """
    picked = shown(comparison)
    if not picked.scenarios:
        raise ValueError("no other way of distribution raced")
    width, titles, contender = _INCHES
    with styled():
        figure = Figure(figsize=(width, titles + contender * len(picked.contenders)), layout="constrained")
        grid = figure.subplots(2, len(picked.scenarios), sharey=True, sharex="row", squeeze=False)
        for column, (name, title) in enumerate(picked.scenarios.items()):
            _panel(grid[0][column], picked, name, palette, time=True)
            grid[0][column].set_title(f"{title}\n", color=palette.text)
            grid[0][column].annotate(
                f"limit {picked.limits[name]:.0f} s",
                (0, 1),
                (0, 4),
                xycoords="axes fraction",
                textcoords="offset points",
                color=palette.quiet,
                fontsize=9,
            )
            _panel(grid[1][column], picked, name, palette, time=False)
        for axes, said in ((grid[0][0], "time over the limit"), (grid[1][0], "copies that the store sent")):
            axes.set_yticks(range(len(picked.contenders)), list(picked.contenders.values()))
            axes.set_ylim(len(picked.contenders) - 0.4, -0.6)
            axes.set_ylabel(said, color=palette.quiet)
            for label, one in zip(axes.get_yticklabels(), picked.contenders, strict=True):
                label.set_color(palette.of(one) if is_ours(one) else palette.text)
                label.set_fontweight("bold" if is_ours(one) else "normal")
    return figure


def _panel(axes: Axes, picked: Shown, scenario: str, palette: Palette, *, time: bool) -> None:
    """One scenario: a dot for each contender, with its range."""
    best = 1.0 if time else picked.least(scenario)
    end = _end(list(picked.rows.values()), time=time)
    axes.axvline(best, color=palette.text, linewidth=1.1)
    for place, contender in enumerate(picked.contenders):
        row = picked.rows.get((scenario, contender))
        if row is None:
            continue
        figures = row.over_limit if time else row.copies
        if figures is None:
            said = without_end(row) if time else ""
            axes.text(best, place, f" {said}", va="center", fontsize=8.5, color=palette.quiet)
        else:
            _dot(axes, place, figures, best, end, palette.of(contender), bold=is_ours(contender))
    axes.set_xlim(0.97 if time else 0, end * 1.14)
    axes.grid(visible=False, axis="y")
    axes.grid(color=palette.grid, axis="x")
    axes.tick_params(length=0, colors=palette.quiet)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    for spine in axes.spines.values():
        spine.set_visible(False)


def _dot(axes: Axes, place: int, figures: Spread, best: float, end: float, colour: str, *, bold: bool) -> None:
    beyond = figures.median > end
    at = min(figures.median, end)
    axes.plot([best, at], [place, place], color=colour, linewidth=2.6 if bold else 1.6, alpha=0.45)
    if not beyond:
        axes.plot([figures.least, min(figures.most, end)], [place, place], color=colour, linewidth=1.4, marker="|")
    axes.scatter([at], [place], s=42 if bold else 26, marker=">" if beyond else "o", color=colour, zorder=3)
    right = max(at, min(figures.most, end))
    low = figures.median < best
    axes.annotate(
        f"{figures.median:.2f}",
        (figures.least if low else right, place),
        (-7 if low else 7, 0),
        textcoords="offset points",
        ha="right" if low else "left",
        va="center",
        fontsize=8.5,
        color=colour,
        fontweight="bold" if bold else "normal",
    )


def _end(found: list[Row], *, time: bool) -> float:
    """Where the axis ends: what takes several times the limit would make all others one dot."""
    medians = sorted(each.median for row in found if (each := row.over_limit if time else row.copies) is not None)
    near = [each for each in medians if each < (2.0 if time else 5.5)] or medians or [1.0]
    return max(1.3 if time else 2.0, near[-1]) * 1.04
