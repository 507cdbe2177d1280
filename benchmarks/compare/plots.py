"""The plots of a comparison: colours that tell contenders apart for everybody, labels where the eye is."""

from __future__ import annotations

from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from benchmarks.compare.summary import rows, scenarios_of, typical, without_end
from benchmarks.plot_style import styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from benchmarks.compare.outcome import Comparison, Race
    from benchmarks.compare.summary import Row

# Okabe and Ito's colours, which the colour-blind can tell apart.
COLOURS = {
    "dcdist": "#0072B2",
    "dcdist-egress": "#56B4E9",
    "before": "#332288",
    "before-egress": "#AA4499",
    "aria2": "#E69F00",
    "bittorrent": "#D55E00",
    "superseed": "#8C3B00",
    "webseeds": "#CC79A7",
    "rclone": "#009E73",
    "nfs": "#666666",
    "casync": "#B8A100",
}
_LIMIT = "#222222"


def overview(comparison: Comparison) -> Figure:
    """Each contender's time over the limit and its copies over the least, in all scenarios at a glance."""
    names = scenarios_of(comparison)
    with styled():
        figure = Figure(figsize=(9.5, 1.2 + 0.95 * len(names)), layout="constrained")
        times, copies = figure.subplots(1, 2, sharey=True)
        for row in rows(comparison):
            place = names.index(row.scenario) + _offset(row, comparison)
            colour = COLOURS.get(row.contender, "#000000")
            if row.failed or row.called_off is not None:
                _mark_unfinished(times, place, row)
            if row.over_limit is None or row.copies is None:
                continue
            size = 60 if row.contender.startswith("dcdist") else 34
            for axes, figures, least in ((times, row.over_limit, 1.0), (copies, row.copies, row.least)):
                axes.plot([figures.least / least, figures.most / least], [place, place], color=colour, linewidth=2)
                axes.scatter([figures.median / least], [place], s=size, color=colour, zorder=3)
        for axes, title in ((times, "Time over the limit"), (copies, "Copies over the least")):
            _ratio_axis(axes, title)
        times.set_yticks(range(len(names)), names)
        times.set_ylim(len(names) - 0.5, -0.5)
        _legend(figure, comparison, list(comparison.titles))
    return figure


def scenario(comparison: Comparison, name: str) -> Figure:
    """One scenario: when hosts were done, where the bytes came from, and how busy the store was."""
    races = typical(comparison, name)
    without = [row for row in rows(comparison) if row.scenario == name and row.over_limit is None]
    with styled():
        figure = Figure(figsize=(9.5, 8.8), layout="constrained")
        grid = figure.add_gridspec(3, 2, height_ratios=(1.15, 1, 0.9))
        if races:
            _completion(figure.add_subplot(grid[0, :]), races)
            _sources(figure.add_subplot(grid[1, :]), races, without)
            store = figure.add_subplot(grid[2, 0])
            _rates(store, races, "What the store sends", [_store_sent(race) for race in races])
            hosts = figure.add_subplot(grid[2, 1], sharex=store)
            _rates(hosts, races, "What a host receives (mean)", [_host_received(race) for race in races])
        _legend(
            figure, comparison, [race.contender for race in races], {row.contender: without_end(row) for row in without}
        )
    return figure


def _offset(row: Row, comparison: Comparison) -> float:
    """Contenders of one scenario stand below each other."""
    order = [each for each in COLOURS if each in comparison.titles]
    place = order.index(row.contender) if row.contender in order else 0
    return 0.7 * (place / max(1, len(order) - 1) - 0.5)


def _ratio_axis(axes: Axes, title: str) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axvline(1.0, color=_LIMIT, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.set_title(f"{title}   (1 is the best possible)")
    low, high = axes.get_xlim()
    axes.set_xlim(min(0.9, low), max(2.0, high))


def _legend(
    figure: Figure, comparison: Comparison, names: list[str], without: Mapping[str, str] = MappingProxyType({})
) -> None:
    """`without`: those that have no figures, and why."""
    present = [name for name in COLOURS if name in {*names, *without} and name in comparison.titles]
    handles = [
        Line2D([], [], marker="x" if name in without else "o", linestyle="", color=COLOURS[name]) for name in present
    ]
    labels = [comparison.titles[name] + (f" ({without[name]})" if name in without else "") for name in present]
    figure.legend(handles, labels, loc="outside lower center", ncols=3 if without else 4, frameon=False)


def _mark_unfinished(axes: Axes, place: float, row: Row) -> None:
    some = f", {row.failed} of {row.rounds}" if 0 < row.failed < row.rounds else ""
    said = f"{row.contender} {without_end(row)}{some}"
    axes.text(
        0.99, place, said, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=8, color=_LIMIT
    )


def _completion(axes: Axes, races: list[Race]) -> None:
    for race in races:
        finished = sorted(host.finished for host in race.hosts)
        colour = COLOURS.get(race.contender, "#000000")
        width = 2.6 if race.contender.startswith("dcdist") else 1.6
        axes.step([0, *finished], range(len(finished) + 1), where="post", color=colour, linewidth=width)
        apart = [host.finished for host in race.hosts if host.host not in race.judged]
        axes.scatter(apart, [finished.index(each) + 1 for each in apart], marker="D", s=34, color=colour, zorder=3)
    judged_all = len(races[0].judged) == len(races[0].hosts)
    axes.set_title("Hosts that are done, over time" + ("" if judged_all else " (diamond: the slow host)"))
    axes.set_xlabel("seconds after the start signal")
    axes.set_ylabel("hosts")
    every = [host.finished for race in races for host in race.hosts]
    first = min([*every, *(race.limit_seconds for race in races if race.together)])
    if max(every) > 4 * first:
        # The slow are so slow that the quick would be one line.
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlim(left=first / 1.5)
    else:
        axes.set_xlim(left=0)
    axes.set_ylim(0, len(races[0].hosts) * 1.1)
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    if races[0].together:
        _mark_limit(axes, races[0].limit_seconds)
    else:
        _mark_own_limits(axes, races[0])


def _mark_own_limits(axes: Axes, race: Race) -> None:
    best = sorted(host.started + race.own_limits[host.host] for host in race.hosts)
    axes.step([0, *best], range(len(best) + 1), where="post", color=_LIMIT, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.annotate(
        "each at its own F/d", (best[0], 1), xytext=(-4, 6), textcoords="offset points", ha="right", fontsize=9
    )


def _mark_limit(axes: Axes, seconds: float) -> None:
    axes.axvline(seconds, color=_LIMIT, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.annotate(
        "limit T",
        (seconds, 0.5),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 0),
        textcoords="offset points",
        rotation=90,
        va="center",
        ha="right",
    )


def _sources(axes: Axes, races: list[Race], without: list[Row]) -> None:
    names = [race.contender for race in races]
    colours = [COLOURS.get(name, "#000000") for name in names]
    store = [race.copies for race in races]
    peers = [race.from_peers / race.copy for race in races]
    axes.barh(names, store, color=colours)
    axes.barh(names, peers, left=store, color=colours, alpha=0.3)
    for place, race in enumerate(races):
        megabytes = sum(host.received for host in race.hosts) / len(race.hosts) / 1e6
        said = f"{race.copies:.2f} copies, {megabytes:.0f} MB a host"
        end = store[place] + peers[place]
        axes.annotate(said, (end, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8)
    axes.barh([row.contender for row in without], [0.0] * len(without))
    for place, row in enumerate(without, len(races)):
        axes.annotate(without_end(row), (0, place), xytext=(5, 0), textcoords="offset points", va="center", fontsize=8)
    least = races[0].limit_copies
    axes.axvline(least, color=_LIMIT, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.annotate(
        "c*", (least, 1), xycoords=("data", "axes fraction"), xytext=(3, 1), textcoords="offset points", fontsize=9
    )
    axes.set_xlim(0, 1.35 * max(one + other for one, other in zip(store, peers, strict=True)))
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_title("Copies from the store (dark), from hosts (light)", pad=12)


def _store_sent(race: Race) -> list[float]:
    return [sample.store_sent for sample in race.samples]


def _host_received(race: Race) -> list[float]:
    return [sum(sample.received) / max(1, len(sample.received)) for sample in race.samples]


def _rates(axes: Axes, races: list[Race], title: str, counters: list[list[float]]) -> None:
    for race, counted in zip(races, counters, strict=True):
        times = [sample.at for sample in race.samples]
        # Two seconds: shorter spans show the queues of the links, not the contender.
        step = max(1, round(2 / max(0.05, times[-1] / len(times)))) if times else 1
        pairs = list(pairwise(zip(times[::step], counted[::step], strict=True)))
        rates = [(more - less) * 8e-6 / (later - earlier) for (earlier, less), (later, more) in pairs]
        colour = COLOURS.get(race.contender, "#000000")
        axes.plot([later for _, (later, _) in pairs], rates, color=colour, linewidth=1.4)
    axes.set_title(title)
    axes.set_xlabel("seconds")
    axes.set_ylabel("Mbit/s")
    axes.set_ylim(bottom=0)
    # Those who take many times the limit send all the time; what tells others apart is at the beginning.
    axes.set_xlim(0, min(3 * races[0].limit_seconds, max(race.last for race in races)))
