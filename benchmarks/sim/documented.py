"""The tables of docs/simulator.md: which situations they show, and how. One command makes them all anew.

A table stands in the document between two comments; what is between them is replaced.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.measure import BenchmarkError
from benchmarks.sim.fleet import Event, Fleet, bits
from benchmarks.sim.single import Course
from dcdist.model.geometry import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmarks.sim.calibration import Difference
    from benchmarks.sim.fleet import Figures
    from benchmarks.sim.single import Judged

RELEASE = 60_000_000_000
"""Bytes of layers that fleets fetch."""

COMPARISONS = ("simulator/hosts-2", "simulator/hosts-4", "simulator/hosts-8", "simulator/hosts-12", "limit/comparison")
"""The recorded comparisons, below the folder of results and without the suffix."""

CALIBRATION, STREAM, LEVELS = "calibration", "stream", "levels"

_EXACT = MIB
"""The largest piece of a real release."""

_COARSE = 4 * MIB


def _fleet(event: Event, hosts: int, rate: float, store_rate: float, grain: int, seed: int = 1) -> Fleet:
    return Fleet(
        event, hosts, rate * 1e9, store_rate * 1e9, RELEASE, grain, prefer="egress", efficiency=0.97, seed=seed
    )


FLEETS: dict[str, tuple[Fleet, ...]] = {
    "flash-1gbit": (
        *(_fleet(Event.FLASH, 10, 1, store, _COARSE) for store in (1, 10, 100)),
        *(_fleet(Event.FLASH, 100, 1, store, _COARSE) for store in (1, 10, 100)),
        *(_fleet(Event.FLASH, 100, 1, 10, _COARSE, seed) for seed in (2, 3)),
        _fleet(Event.FLASH, 1000, 1, 1, _EXACT),
        *(_fleet(Event.FLASH, 1000, 1, store, _COARSE) for store in (10, 100)),
        _fleet(Event.FLASH, 10_000, 1, 1, _EXACT),
        *(_fleet(Event.FLASH, 10_000, 1, store, _COARSE) for store in (10, 100)),
        _fleet(Event.FLASH, 10_000, 1, 10, _COARSE, 2),
        _fleet(Event.FLASH, 10_000, 1, 10, _EXACT),
    ),
    "flash-10gbit": (
        *(_fleet(Event.FLASH, hosts, 10, 10, _EXACT) for hosts in (10, 100, 1000, 10_000)),
        replace(_fleet(Event.FLASH, 10, 10, 10, _EXACT), epoch=0.005),
        *(_fleet(Event.FLASH, hosts, 10, 100, _EXACT) for hosts in (10, 100, 10_000)),
    ),
    "update": (
        *(_fleet(Event.UPDATE, hosts, 1, 10, _COARSE) for hosts in (10, 100, 1000, 10_000)),
        _fleet(Event.UPDATE, 10_000, 1, 10, _EXACT),
    ),
    "staggered": tuple(_fleet(Event.STAGGERED, hosts, 1, 10, _COARSE) for hosts in (10, 100, 1000, 10_000)),
}
"""Fleets of the tables by the name of the table, in order."""

LEVEL_FLEETS = (
    replace(_fleet(Event.FLASH, 250, 1, 10, _COARSE), size=1_000_000_000),
    replace(_fleet(Event.FLASH, 1000, 1, 10, _COARSE), size=2_000_000_000, epoch=0.1),
)
"""Fleets of which every host is simulated, beside one prefix."""

STREAM_COURSES = tuple(
    Course("cold", 8, 50e6, 50e6, 512 * MIB, prefer, seed, stream=stream)
    for prefer, stream in (("egress", False), ("egress", True), ("time", True))
    for seed in (1, 2)
)
"""Eight hosts of the lab, in the order of a stream and in any, two seeds each."""

NAMES = (CALIBRATION, STREAM, LEVELS, *FLEETS)

_CALIBRATION_HEAD = (
    "scenario",
    "hosts",
    "real: start s",
    "last host s",
    "copies",
    "simulated: last host s",
    "copies",
    "time off",
    "one start: time off",
    "copies off",
)
_FLEET_HEAD = (
    "hosts",
    "store",
    "simulated",
    "over the limit",
    "median host",
    "copies",
    "listings and heartbeats a second (most)",
    "planner, of a core",
)
_STREAM_HEAD = ("prefer", "order", "over the limit", "copies", "front")
_LEVEL_HEAD = ("hosts", "layers", *_FLEET_HEAD[2:7], "links")


def fleets_table(found: Iterable[Figures]) -> str:
    """Fleets, as Markdown."""
    return _table(_FLEET_HEAD, ((*_who(each), bits(each.fleet.store_rate), *_figures(each)) for each in found))


def levels_table(found: Iterable[Figures]) -> str:
    """Fleets that were simulated by every host and by one prefix, as Markdown."""
    rows = ((*_who(each), f"{each.fleet.size / 1e9:g} GB", *_figures(each)[:-1], f"{each.links:.0f}") for each in found)
    return _table(_LEVEL_HEAD, rows)


def stream_table(found: Sequence[tuple[Course, Judged]]) -> str:
    """The same course with several seeds in one row, as Markdown."""
    rows: dict[tuple[str, str], list[Judged]] = {}
    for course, judged in found:
        case = course.prefer, "stream" if course.stream else "any"
        rows.setdefault(case, []).append(judged)
    return _table(_STREAM_HEAD, ((*case, *_seeds(judged)) for case, judged in rows.items()))


def calibration_table(found: Iterable[Difference]) -> str:
    """Real rounds beside simulated ones, as Markdown."""
    return _table(_CALIBRATION_HEAD, map(_calibration_row, found))


def replaced(document: str, name: str, table: str) -> str:
    """A document with another table in the place of that name.

    Raises:
        BenchmarkError: The document has no such place.
    """
    begin, end = f"<!-- table: {name} -->\n", "<!-- end of table -->\n"
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise BenchmarkError(f"the document has no place for the table {name!r}: {begin.strip()} ... {end.strip()}")
    return f"{before}{begin}{table}{end}{after}"


def caption(commits: Iterable[str]) -> str:
    """The line above a table: the commits that its figures are of; rows of unknown ones are marked as earlier."""
    return f"Commit {', '.join(sorted(set(commits) - {''}))}:\n\n"


def _seeds(found: Sequence[Judged]) -> tuple[str, str, str]:
    return (
        ", ".join(f"{each.over:.2f}" for each in found),
        ", ".join(f"{each.outcome.copies:.2f}" for each in found),
        ", ".join(f"{each.outcome.front:.2f}" for each in found),
    )


def _calibration_row(each: Difference) -> tuple[str, ...]:
    return (
        each.scenario + (", time" if each.prefer == "time" else ""),
        str(each.hosts),
        f"{each.real_start:.1f}",
        f"{each.real_last:.1f}",
        f"{each.real_copies:.2f}",
        f"{each.simulated_last:.1f}",
        f"{each.simulated_copies:.2f}",
        f"{each.time_off:+.1%}".replace("%", " %"),
        f"{each.alike_off:+.1%}".replace("%", " %"),
        f"{each.copies_off:+.1%}".replace("%", " %"),
    )


def _who(each: Figures) -> tuple[str]:
    fleet = each.fleet
    notes = [
        *([f"{fleet.grain // MIB} MiB"] if fleet.grain != _COARSE else []),
        *([f"seed {fleet.seed}"] if fleet.seed != 1 else []),
        *([] if each.commit else ["earlier"]),
        *([f"steps of {fleet.epoch * 1000:g} ms"] if fleet.epoch is not None else []),
    ]
    return (f"{fleet.hosts:,}" + (f" ({', '.join(notes)})" if notes else ""),)


def _figures(each: Figures) -> tuple[str, ...]:
    return (
        str(each.simulated),
        f"{each.over:.3f}",
        f"{each.median:.3f}",
        f"{each.copies:.2f}",
        f"{each.membership:,.0f} ({each.membership_peak:,})",
        f"{each.planning:.1%}".replace("%", " %"),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "".join(_lines(head, rows))


def _lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n"
    yield f"|{' --- |' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(row)} |\n"
