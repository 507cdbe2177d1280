"""The plots of simulated fleets: how time, copies and the store's other work go with the number of hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.plot_style import styled
from benchmarks.sim.fleet import Event, bits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.sim.fleet import Figures

# Okabe and Ito's colours, which the colour-blind can tell apart.
_COLOURS = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#666666",
    "#B8A100",
    "#222222",
    "#8C510A",
)


def write(found: Sequence[Figures], folder: Path) -> None:
    """`fleets.png` and `course.png` in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in (("fleets", by_hosts(found)), ("course", courses(found))):
        figure.savefig(folder / f"{name}.png", dpi=150, facecolor="white")


def by_hosts(found: Sequence[Figures]) -> Figure:
    """Four figures of all fleets over the number of hosts, a line for each kind of situation; other seeds as rings."""
    with styled():
        figure = Figure(figsize=(11, 8.5), layout="constrained")
        axes = figure.subplots(2, 2)
        panels: tuple[tuple[str, Callable[[Figures], float], float | None], ...] = (
            ("Last host's time over the limit", lambda each: each.over, 1.0),
            ("Copies sent over the least", lambda each: each.copies / each.least_copies, 1.0),
            ("Listings and heartbeats a second", lambda each: each.membership, None),
            ("Planner, % of one core of a host", lambda each: 100 * each.planning, None),
        )
        for place, (title, value, least) in zip(axes.flat, panels, strict=True):
            _over_hosts(place, title, found, value, least)
        handles, labels = axes.flat[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return figure


def courses(found: Sequence[Figures]) -> Figure:
    """How the largest fleets come along: copies that the store has sent, and what hosts have, over time."""
    most = max(each.fleet.hosts for each in found)
    with styled():
        figure = Figure(figsize=(11, 4.8), layout="constrained")
        sent, here = figure.subplots(1, 2)
        kinds = list(dict.fromkeys(_kind(each) for each in found))
        for each in (each for each in _first(found) if each.fleet.hosts == most):
            colour = _COLOURS[kinds.index(_kind(each)) % len(_COLOURS)]
            times = [at / each.limit for at, _, _ in each.samples]
            sent.plot(times, [copies for _, copies, _ in each.samples], color=colour, label=_kind(each))
            here.plot(times, [100 * share for _, _, share in each.samples], color=colour)
        for axes, title in ((sent, "Copies sent by the store"), (here, "Here, % of all bytes of all hosts")):
            axes.set_title(title)
            axes.set_xlabel(f"time over the limit ({most:,} hosts)")
            axes.set_xlim(left=0)
            axes.set_ylim(bottom=0)
        figure.legend(*sent.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def _over_hosts(
    axes: Axes, title: str, found: Sequence[Figures], value: Callable[[Figures], float], least: float | None
) -> None:
    kinds = dict.fromkeys(_kind(each) for each in found)
    firsts = _first(found)
    for number, kind in enumerate(kinds):
        colour = _COLOURS[number % len(_COLOURS)]
        points = sorted((each.fleet.hosts, value(each)) for each in firsts if _kind(each) == kind)
        axes.plot(
            [hosts for hosts, _ in points],
            [figure for _, figure in points],
            marker="o",
            markersize=4,
            color=colour,
            linestyle="-" if number < len(_COLOURS) else "--",
            label=kind,
        )
        again = [each for each in found if _kind(each) == kind and each not in firsts]
        axes.plot(
            [each.fleet.hosts for each in again],
            [value(each) for each in again],
            marker="o",
            markersize=5,
            markerfacecolor="none",
            color=colour,
            linestyle="",
        )
    axes.set_title(title)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda hosts, _: f"{hosts:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("hosts")
    if least is None:
        axes.set_ylim(bottom=0)
    else:
        axes.axhline(least, color="#222222", linewidth=1.2, linestyle=(0, (4, 2)))
        axes.set_ylim(bottom=0.95 * least, top=max(axes.get_ylim()[1], 1.05 * least))


def _first(found: Sequence[Figures]) -> list[Figures]:
    """Of the same situation with other seeds or pieces the one to go by: the smallest pieces, the lowest seed."""
    chosen: dict[tuple[str, int], Figures] = {}
    for each in sorted(found, key=lambda each: (each.fleet.grain, each.fleet.seed)):
        chosen.setdefault((_kind(each), each.fleet.hosts), each)
    return list(chosen.values())


def _kind(each: Figures) -> str:
    fleet = each.fleet
    event = {Event.FLASH: "at once", Event.STAGGERED: "one after another", Event.UPDATE: "update"}[fleet.event]
    return f"{event}, hosts {bits(fleet.rate)}, store {bits(fleet.store_rate)}"
