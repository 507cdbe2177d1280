"""The planner without a network: fleets, and the scenarios of the comparison, in the simulator of `dcdist.sim`.

Without `--scenario`: fleets of 10 to 10,000 hosts that fetch a large release (`--quick`: fewer situations). With it:
one situation of the comparison, and where second copies come from. `--levels`: large fleets are simulated by one
prefix; how far that is from simulating every host. `--calibrate FILE`: how far the simulator is from recorded
comparisons. `--ablate`: what each rule of the policy earns. `--table all --into docs/simulator.md --out
benchmarks/results/simulator`: all tables of that document anew. Figures are those of a model: the document says how far
to trust them.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compare import scenarios
from benchmarks.machine import commit
from benchmarks.measure import PROJECT, BenchmarkError
from benchmarks.sim import ablation, calibration, documented, fleet, single
from benchmarks.sim.fleet import Event, Fleet
from benchmarks.sim.single import Course
from dcdist.policy.preference import PREFERENCES
from dcdist.policy.rules import Rule
from tools.lab.network import parse_rate
from tools.lab.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.sim.calibration import Difference
    from benchmarks.sim.fleet import Figures
    from benchmarks.sim.single import Judged

SUMMARY = "the same planner without a network, to 10,000 hosts"
HOSTS = (10, 100, 1000, 10_000)
RATES = (1e9, 10e9)
STORE_RATES = (1e9, 10e9, 100e9)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--scenario", action="append", choices=[*scenarios.SUMMARIES, "all"], help="of the comparison (repeatable)"
    )
    parser.add_argument("--event", action="append", choices=list(Event), help="of fleets (repeatable; default: all)")
    parser.add_argument("--hosts", type=int, action="append", help="(repeatable; default: 8, fleets: 10 to 10,000)")
    parser.add_argument(
        "--rate", type=parse_rate, action="append", help="of a host (default: 50mbit, fleets: 1 and 10gbit)"
    )
    parser.add_argument(
        "--store-rate", type=parse_rate, action="append", help="(default: a host's, fleets: 1, 10 and 100gbit)"
    )
    parser.add_argument("--order", choices=["any", "stream"], default="any", help="(default: %(default)s)")
    parser.add_argument("--fleet-store-rate", type=parse_rate, help="bound on what all hosts take (default: none)")
    parser.add_argument("--size", type=parse_size, help="of the layers (default: 512MiB, fleets: 60GB)")
    parser.add_argument("--prefer", choices=list(PREFERENCES), default="egress", help="(default: %(default)s)")
    parser.add_argument(
        "--without", action="append", choices=list(Rule), metavar="RULE", help="of the policy that is off (repeatable)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=1, help="seeds of a scenario (default: %(default)s)")
    parser.add_argument(
        "--efficiency", type=float, default=single.EFFICIENCY, help="of the swarm (default: %(default)s)"
    )
    parser.add_argument("--draws", action="store_true", help="of a scenario: when and by whom second copies were drawn")
    parser.add_argument(
        "--grain",
        type=parse_size,
        default="4MiB",
        help="least piece in fleets, for speed; 1MiB is exact (default: 4MiB)",
    )
    parser.add_argument(
        "--epoch", type=float, metavar="SECONDS", help="step of fleets (default: limit / 2000, 0.02 to 0.5)"
    )
    parser.add_argument("--quick", action="store_true", help="fleets: 1 Gbit/s hosts and a 10 Gbit/s store only")
    parser.add_argument("--levels", action="store_true", help="every host beside one prefix, for the fleets given")
    parser.add_argument(
        "--calibrate", type=Path, action="append", metavar="FILE", help="comparison.json of a comparison (repeatable)"
    )
    parser.add_argument(
        "--table", action="append", choices=[*documented.NAMES, "all"], help="of docs/simulator.md (repeatable)"
    )
    parser.add_argument("--ablate", action="store_true", help="what each rule earns (--without: these only)")
    parser.add_argument("--into", type=Path, metavar="FILE", help="a document whose tables are replaced")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write figures and plots there")
    parser.add_argument("--keep", action="store_true", help="fleets: what DIR has is kept, only the rest is run")


def run(options: argparse.Namespace) -> int:
    """Run it, print what was found.

    Raises:
        BenchmarkError: A file cannot be used.
    """
    if options.table:
        return _tables(options)
    if options.ablate:
        return _ablate(options)
    if options.calibrate:
        return _calibrate(options)
    if options.scenario:
        return _scenarios(options)
    return _levels(options) if options.levels else _fleets(options)


def _scenarios(options: argparse.Namespace) -> int:
    _courses(_chosen_courses(options), options)
    return 0


def _courses(courses: Iterable[Course], options: argparse.Namespace) -> list[tuple[Course, Judged]]:
    print(single.HEAD)
    found = []
    for course in courses:
        found.append((course, single.run(course)))
        print(single.show(*found[-1], draws=options.draws), flush=True)
    return found


def _chosen_courses(options: argparse.Namespace) -> Iterator[Course]:
    names = list(scenarios.SUMMARIES) if "all" in options.scenario else options.scenario
    rate = (options.rate or [50e6])[0]
    for name in names:
        for seed in range(options.seed, options.seed + options.repeat):
            yield Course(
                name,
                (options.hosts or [8])[0],
                rate,
                (options.store_rate or [rate])[0],
                options.size or 512 << 20,
                options.prefer,
                seed,
                options.efficiency,
                options.fleet_store_rate,
                options.order == "stream",
                without=tuple(options.without or ()),
            )


def _tables(options: argparse.Namespace) -> int:
    names = documented.NAMES if "all" in options.table else options.table
    kept = _kept(options.out) if options.out and options.keep else {}
    for name in names:
        table = _table(name, options, kept)
        print(f"\n{name}\n\n{table}", flush=True)
        if options.into:
            options.into.write_text(documented.replaced(options.into.read_text(), name, table))
    return 0


def _table(name: str, options: argparse.Namespace, kept: dict[Fleet, Figures]) -> str:
    if name == documented.CALIBRATION:
        places = [PROJECT / "benchmarks" / "results" / f"{place}.json" for place in documented.COMPARISONS]
        return documented.caption([commit()]) + documented.calibration_table(_calibrated(places, options))
    if name == documented.STREAM:
        return documented.caption([commit()]) + documented.stream_table(_courses(documented.STREAM_COURSES, options))
    if name == documented.LEVELS:
        return documented.caption([commit()]) + documented.levels_table(_leveled(documented.LEVEL_FLEETS, options))
    found = _ran(documented.FLEETS[name], kept, options)
    return documented.caption(each.commit for each in found) + documented.fleets_table(found)


def _ablate(options: argparse.Namespace) -> int:
    seeds = range(options.seed, options.seed + options.repeat)
    found = []
    for gain in ablation.gains(ablation.chosen_rules(options.without), list(ablation.situations()), seeds):
        found.append(gain)
        print(f"{gain.rule:<16} {gain.situation:<22} time {gain.time:+7.1%}  copies {gain.copies:+7.1%}", flush=True)
    table = documented.caption([commit()]) + ablation.table(found)
    print(f"\n{table}", flush=True)
    if options.out:
        _write(options.out, "ablation", [asdict(gain) for gain in found])
    if options.into:
        options.into.write_text(documented.replaced(options.into.read_text(), "ablation", table))
    return 0


def _calibrate(options: argparse.Namespace) -> int:
    _calibrated(options.calibrate, options)
    return 0


def _calibrated(places: list[Path], options: argparse.Namespace) -> list[Difference]:
    found = []
    print(calibration.HEAD)
    for place in places:
        for difference in calibration.differences(place, options.efficiency):
            found.append(difference)
            print(calibration.show(difference), flush=True)
    if options.out:
        _write(options.out, "calibration", calibration.to_json(found, options.efficiency, places))
    return found


def _fleets(options: argparse.Namespace) -> int:
    _ran(_situations(options), _kept(options.out) if options.out and options.keep else {}, options)
    return 0


def _ran(situations: Iterable[Fleet], kept: dict[Fleet, Figures], options: argparse.Namespace) -> list[Figures]:
    """The figures of fleets, run unless they are `kept`; with those that are written and plotted."""
    print(fleet.HEAD)
    found = []
    for each in situations:
        if each not in kept:
            kept[each] = replace(fleet.run(each), commit=commit())
            if options.out:
                _write(options.out, "fleets", [asdict(figures) for figures in kept.values()])
        found.append(kept[each])
        print(fleet.show(kept[each]), flush=True)
    if options.out:
        # Only now: it is slow to import, and not needed for figures.
        from benchmarks.sim import plots

        plots.write(list(kept.values()), options.out)
    return found


def _kept(folder: Path) -> dict[Fleet, Figures]:
    """What was written there before, by situation.

    Raises:
        BenchmarkError: It is something else.
    """
    place = folder / "fleets.json"
    try:
        found = fleet.from_json(json.loads(place.read_text())) if place.exists() else []
    except (ValueError, KeyError, TypeError) as fault:
        raise BenchmarkError(f"{place} has no figures of fleets: {fault!r}") from fault
    return {figures.fleet: figures for figures in found}


def _levels(options: argparse.Namespace) -> int:
    _leveled(_situations(options), options)
    return 0


def _leveled(situations: Iterable[Fleet], options: argparse.Namespace) -> list[Figures]:
    """Each fleet twice: every host simulated, and one prefix."""
    print(fleet.HEAD)
    found = []
    for each in situations:
        for detail in (True, False):
            figures = replace(fleet.run(each, detail=detail), commit=commit())
            found.append((detail, figures))
            print(fleet.show(figures), flush=True)
    if options.out:
        _write(options.out, "levels", [{"detail": detail, **asdict(figures)} for detail, figures in found])
    return [figures for _, figures in found]


def _situations(options: argparse.Namespace) -> Iterator[Fleet]:
    rates = options.rate or (RATES[:1] if options.quick else RATES)
    store_rates = options.store_rate or (STORE_RATES[1:2] if options.quick else STORE_RATES)
    for event in [Event(each) for each in options.event or Event]:
        # Whether all come at once is what the store's rate matters for; the others are shown with one.
        stores = store_rates if event is Event.FLASH or options.store_rate else STORE_RATES[1:2]
        for rate in rates:
            for store_rate in stores:
                for hosts in options.hosts or HOSTS:
                    yield Fleet(
                        event,
                        hosts,
                        rate,
                        store_rate,
                        options.size or documented.RELEASE,
                        options.grain,
                        options.prefer,
                        options.efficiency,
                        options.seed,
                        options.fleet_store_rate,
                        options.order == "stream",
                        options.epoch,
                        tuple(options.without or ()),
                    )


def _write(folder: Path, name: str, value: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, indent=1)
    if isinstance(value, list):
        # Fleets have hundreds of samples each: one line for each, so that a diff shows which ones are new.
        text = "[\n" + ",\n".join(map(json.dumps, value)) + "\n]"
    (folder / f"{name}.json").write_text(text + "\n")
