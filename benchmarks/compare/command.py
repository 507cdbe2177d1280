"""The same release, to the same hosts, over the same shaped links, by each way of distribution, next to the limit.

Every host and the store get a network namespace of their own and a link shaped both ways; data are in memory, so that
disks do not decide. Contenders take turns. Time counts from the start signal to the complete, checked, synced file;
bytes are counted at the interfaces. Root only. Nothing leaves this machine, and nothing is left on it.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.compare import checkout, plain, race, reporting
from benchmarks.compare.contender import Payload
from benchmarks.compare.contenders import ALL, every, usual
from benchmarks.compare.contenders.dcdist import CONTENDER as DCDIST
from benchmarks.compare.contenders.dcdist import layer_bytes
from benchmarks.compare.outcome import Comparison, Race
from benchmarks.compare.payload import make_random, take_real
from benchmarks.compare.plan import Plan, patience, turns
from benchmarks.compare.scenarios import SUMMARIES, Scenario, build, chosen
from benchmarks.compare.versus import BEFORE
from benchmarks.compare.workspace import in_memory
from benchmarks.measure import PROJECT, BenchmarkError
from tools.lab.digest import digest_of
from tools.lab.network import NetworkError, parse_rate
from tools.lab.sizes import parse_size
from tools.lab.swift import SwiftError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.compare.contender import Contender, Versions

SUMMARY = "NFS, BitTorrent, object storage and dcdist on shaped networks, next to the limit"
_QUICK = {"hosts": 4, "size": 32 << 20, "repeat": 1}
_FULL = {"hosts": 8, "size": 96 << 20, "repeat": 1}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    told = "\n".join(f"  {name:14} {summary}" for name, summary in SUMMARIES.items())
    parser.epilog = f"scenarios:\n{told}\n\ncontenders: {', '.join(each.name for each in ALL)}"
    parser.add_argument("--hosts", type=int, help="how many (default: 8; with --quick 4)")
    parser.add_argument("--rate", type=parse_rate, default=parse_rate("50mbit"), help="a host's link (default: 50mbit)")
    parser.add_argument("--store-rate", type=parse_rate, help="the store's link (default: as a host's)")
    parser.add_argument("--size", type=parse_size, help="of the image (default: 96MiB; with --quick 32MiB)")
    parser.add_argument("--real", type=Path, metavar="DIR", help="two XVAs instead of random bytes (tools/make_images)")
    parser.add_argument(
        "--scenarios",
        default=",".join(SUMMARIES),
        help="which, with commas between (default: all); NAME:CONTENDER+CONTENDER races only these there",
    )
    parser.add_argument(
        "--contenders",
        help="which (default: all but superseed, dcdist-stream, dcdist-alone, dcdist-bad-peers)",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="CHECKOUT",
        help="race dcdist of another checkout too, as `before` and `before-egress`, and print the ratios to it",
    )
    parser.add_argument("--repeat", type=int, help="rounds (default: 1)")
    parser.add_argument(
        "--call-off",
        type=float,
        metavar="TIMES",
        help="race those that send all from one place everywhere, but only for so many times the limit",
    )
    parser.add_argument(
        "--to-the-end",
        metavar="SCENARIOS",
        help="where --call-off does not hold, so that each has its figure, once; written as --scenarios",
    )
    parser.add_argument("--quick", action="store_true", help="small and once: a first look in a quarter of an hour")
    parser.add_argument(
        "--out", type=Path, default=PROJECT / "build/comparison", help="for the report (default: %(default)s)"
    )


def run(options: argparse.Namespace) -> int:
    """Race, write the report, print the table.

    Raises:
        BenchmarkError: Not root, or something that all contenders need is missing.
    """
    if os.geteuid() != 0:
        raise BenchmarkError("network namespaces need root: run it as root, or with sudo")
    plan = _plan(options)
    # Payload twice, stored twice and in chunks, held by two checkouts; each host has layers and image, and in an update
    # what it held.
    room = plan.size * (12 + 5 * plan.hosts)
    try:
        with in_memory(room) as folder:
            _compare(plan, folder, options.out.resolve())
    except (NetworkError, SwiftError) as fault:
        raise BenchmarkError(str(fault)) from fault
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    default = _QUICK if options.quick else _FULL
    size = default["size"] if options.size is None else options.size
    if options.real is not None:
        size = max(each.stat().st_size for each in sorted(options.real.glob("*.xva"))[:2] or [options.real])
    if options.against is not None:
        checkout.require(options.against)
    scenarios, only = chosen(options.scenarios)
    return Plan(
        hosts=default["hosts"] if options.hosts is None else options.hosts,
        rate=options.rate,
        store_rate=options.rate if options.store_rate is None else options.store_rate,
        size=size,
        real=options.real,
        scenarios=scenarios,
        contenders=tuple(_contenders(options, scenarios, only)),
        only=only,
        rounds=default["repeat"] if options.repeat is None else options.repeat,
        call_off=options.call_off,
        to_the_end=to_the_end(options.to_the_end, scenarios),
        against=None if options.against is None else machine.commit(options.against),
    )


def to_the_end(text: str | None, scenarios: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The scenarios where nobody is called off, with the contenders that are named there.

    Raises:
        BenchmarkError: A scenario or a contender is not among those that race.
    """
    if text is None:
        return {}
    names, only = chosen(text)
    absent = [name for name in names if name not in scenarios]
    absent += [name for some in only.values() for name in some if name not in {each.name for each in ALL}]
    if absent:
        raise BenchmarkError(f"--to-the-end names {', '.join(absent)}, which does not race")
    return {name: only.get(name, ()) for name in names}


def _contenders(
    options: argparse.Namespace, scenarios: tuple[str, ...], only: dict[str, tuple[str, ...]]
) -> Iterator[Contender]:
    """Those that are wanted and installed.

    Raises:
        BenchmarkError: One is not known, or a scenario is not.
    """
    known = every(options.against)
    wanted = [each.name for each in usual(options.against)]
    if options.contenders is not None:
        wanted = options.contenders.split(",")
    named = [*wanted, *(name for names in only.values() for name in names)]
    unknown = [name for name in scenarios if name not in SUMMARIES]
    unknown += [name for name in named if name not in {each.name for each in known}]
    if unknown:
        more = "; `before` needs --against CHECKOUT" if BEFORE.keys() & set(unknown) else ""
        raise BenchmarkError(f"there is no {', '.join(unknown)}; --help lists the scenarios and contenders{more}")
    for contender in known:
        if contender.name in wanted and contender.missing():
            print(f"{contender.name} is left out: {', '.join(contender.missing())} not installed", file=sys.stderr)
        elif contender.name in wanted:
            yield contender


def _compare(plan: Plan, folder: Path, out: Path) -> None:
    _say(f"making and storing {plan.size / 1e6:.0f} MB in two versions")
    versions = make_random(folder, plan.size) if plan.real is None else take_real(folder, plan.real)
    stock = folder / "stock"
    stock.mkdir()
    # What a copy is, and the limit, are those of the release's layers.
    DCDIST.stock(versions, stock)
    for contender in plan.contenders:
        if not contender.updates_only or "update" in plan.scenarios:
            contender.stock(versions, stock)
    sizes = {number: layer_bytes(stock, number) for number in (1, 2)}
    measured: dict[float, plain.Plain] = {}

    def payload_rate(rate: float) -> float:
        if rate not in measured:
            measured[rate] = plain.measure(rate)
            _say(f"one plain TCP flow on {rate / 1e6:g} Mbit/s: {measured[rate].rate / 1e6:.2f} MB/s")
        return measured[rate].rate

    courses = {name: _course(plan, name, versions, folder, sizes, payload_rate, measured) for name in plan.scenarios}
    order = list(turns(plan))
    races: list[Race] = []
    begun = time.monotonic()
    for place, (number, name, contender) in enumerate(order):
        started = time.monotonic()
        left = (started - begun) / max(1, place) * (len(order) - place)
        ahead = f", about {left / 60:.0f} min left" if place else ""
        _say(f"{place + 1} of {len(order)}{ahead}: {name}, {contender.name}")
        races.append(race.run(courses[name], contender, number, call_off=patience(plan, name, contender)))
        _tell_race(races[-1], time.monotonic() - started)
        reporting.save(_comparison(plan, folder, measured, races), out)
    if not races:
        raise BenchmarkError("none of these contenders takes part in these scenarios")
    print(reporting.write(_comparison(plan, folder, measured, races), out))
    print(f"\nreport: {out}/index.html")


def _course(
    plan: Plan,
    name: str,
    versions: Versions,
    folder: Path,
    sizes: dict[int, int],
    payload_rate: race.PayloadRate,
    measured: dict[float, plain.Plain],
) -> race.Course:
    number = 2 if name == "update" else 1
    image = versions.second if number == 2 else versions.first
    held = versions.first if number == 2 else None
    payload = Payload(number, image, digest_of(image), held)
    seconds = sizes[number] / payload_rate(plan.rate)
    scenario = build(name, plan.hosts, plan.rate, plan.store_rate, seconds)
    for rate in _rates(scenario):
        payload_rate(rate)
    cost = measured[scenario.store.up].cost
    place, stock = folder / "race", folder / "stock"
    return race.Course(scenario, payload, sizes[number], payload_rate, cost, place, stock)


def _rates(scenario: Scenario) -> set[float]:
    return {rate for link in scenario.links.values() for rate in (link.up, link.down)}


def _comparison(plan: Plan, folder: Path, measured: dict[float, plain.Plain], races: list[Race]) -> Comparison:
    about = {
        "command": rerun(sys.argv[1:], plan.against),
        "hosts": str(plan.hosts),
        "host link": f"{plan.rate / 1e6:g} Mbit/s",
        "store link": f"{plan.store_rate / 1e6:g} Mbit/s",
        "image": f"{plan.size / 1e6:.0f} MB, {'random bytes' if plan.real is None else 'real'}",
        "rounds": str(plan.rounds),
        **machine.facts(folder),
    }
    if plan.against is not None:
        about["before"] = plan.against
    versions = {contender.name: contender.version() for contender in plan.contenders}
    titles = {contender.name: contender.title for contender in plan.contenders}
    rates = {f"{rate:.0f}": each.rate for rate, each in measured.items()}
    return Comparison(about, versions, titles, rates, tuple(races))


def rerun(arguments: list[str], against: str | None) -> str:
    """How to run it again. The report names the other checkout by its commit, and not where its own files went."""
    told = [part for each in arguments for part in (each.split("=", 1) if each.startswith("--") else [each])]
    for option, value in (("--out", None), ("--against", against)):
        if option in told:
            place = told.index(option)
            told[place : place + 2] = [] if value is None else [option, value]
    return f"python -m benchmarks {shlex.join(told)}"


def _tell_race(one: Race, seconds: float) -> None:
    if one.failure is not None:
        _say(f"  failed: {one.failure.strip().splitlines()[-1]}")
    elif one.called_off is not None:
        _say(f"  called off at {one.called_off:g} x limit, as planned")
    else:
        said = f"last host {one.last:.1f} s, {one.over_limit:.2f} x limit, {one.copies:.2f} copies, CPU {one.cpu:.0%}"
        _say(f"  {said}; {seconds - one.last:.1f} s to set up, check and clear")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
