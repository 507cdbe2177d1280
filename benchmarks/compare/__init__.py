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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.compare import plain, race, reporting
from benchmarks.compare.contender import Payload
from benchmarks.compare.contenders import ALL, USUAL
from benchmarks.compare.contenders.dcdist import CONTENDER as DCDIST
from benchmarks.compare.contenders.dcdist import layer_bytes
from benchmarks.compare.outcome import Comparison, Race
from benchmarks.compare.payload import make_random, take_real
from benchmarks.compare.scenarios import EVERYBODY, SUMMARIES, Scenario, build, chosen
from benchmarks.compare.workspace import in_memory
from benchmarks.measure import PROJECT, BenchmarkError, digest_of
from tools.lab.network import NetworkError, parse_rate
from tools.lab.sizes import parse_size
from tools.lab.swift import SwiftError

if TYPE_CHECKING:
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
        default=",".join(each.name for each in USUAL),
        help="which (default: all but superseed, dcdist-stream, dcdist-alone, dcdist-bad-peers)",
    )
    parser.add_argument("--repeat", type=int, help="rounds (default: 1)")
    parser.add_argument(
        "--call-off",
        type=float,
        metavar="TIMES",
        help="race those that send all from one place everywhere, but only for so many times the limit",
    )
    parser.add_argument("--quick", action="store_true", help="small and once: a first look in a quarter of an hour")
    parser.add_argument(
        "--out", type=Path, default=PROJECT / "build/comparison", help="for the report (default: %(default)s)"
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to race: who where, how often, with what."""

    hosts: int
    rate: float
    store_rate: float
    size: int
    real: Path | None
    scenarios: tuple[str, ...]
    contenders: tuple[Contender, ...]
    only: dict[str, tuple[str, ...]]
    rounds: int
    call_off: float | None


def run(options: argparse.Namespace) -> int:
    """Race, write the report, print the table.

    Raises:
        BenchmarkError: Not root, or something that all contenders need is missing.
    """
    if os.geteuid() != 0:
        raise BenchmarkError("network namespaces need root: run it as root, or with sudo")
    plan = _plan(options)
    # Payload twice, stored twice and in chunks; each host has layers, image, and in an update what it held.
    room = plan.size * (10 + 5 * plan.hosts)
    try:
        with in_memory(room) as folder:
            _compare(plan, folder, options.out.resolve())
    except (NetworkError, SwiftError) as fault:
        raise BenchmarkError(str(fault)) from fault
    return 0


def _plan(options: argparse.Namespace) -> _Plan:
    usual = _QUICK if options.quick else _FULL
    size = usual["size"] if options.size is None else options.size
    if options.real is not None:
        size = max(each.stat().st_size for each in sorted(options.real.glob("*.xva"))[:2] or [options.real])
    scenarios, only = chosen(options.scenarios)
    unknown = [name for name in scenarios if name not in SUMMARIES]
    wanted = options.contenders.split(",")
    named = [*wanted, *(name for names in only.values() for name in names)]
    unknown += [name for name in named if name not in {each.name for each in ALL}]
    if unknown:
        raise BenchmarkError(f"there is no {', '.join(unknown)}; --help lists the scenarios and contenders")
    present = []
    for contender in ALL:
        if contender.name in wanted and contender.missing():
            print(f"{contender.name} is left out: {', '.join(contender.missing())} not installed", file=sys.stderr)
        elif contender.name in wanted:
            present.append(contender)
    return _Plan(
        hosts=usual["hosts"] if options.hosts is None else options.hosts,
        rate=options.rate,
        store_rate=options.rate if options.store_rate is None else options.store_rate,
        size=size,
        real=options.real,
        scenarios=scenarios,
        contenders=tuple(present),
        only=only,
        call_off=options.call_off,
        rounds=usual["repeat"] if options.repeat is None else options.repeat,
    )


def _compare(plan: _Plan, folder: Path, out: Path) -> None:
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
    turns = [
        (number, name, contender)
        for number in range(plan.rounds)
        for name in plan.scenarios
        for contender in _turn(plan.contenders, number)
        if _takes_part(plan, contender, name, number)
    ]
    races: list[Race] = []
    begun = time.monotonic()
    for place, (number, name, contender) in enumerate(turns):
        left = (time.monotonic() - begun) / max(1, place) * (len(turns) - place)
        ahead = f", about {left / 60:.0f} min left" if place else ""
        _say(f"{place + 1} of {len(turns)}{ahead}: {name}, {contender.name}")
        races.append(race.run(courses[name], contender, number))
        _tell_race(races[-1])
        reporting.save(_comparison(plan, folder, measured, races), out)
    if not races:
        raise BenchmarkError("none of these contenders takes part in these scenarios")
    print(reporting.write(_comparison(plan, folder, measured, races), out))
    print(f"\nreport: {out}/index.html")


def _course(
    plan: _Plan,
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
    return race.Course(scenario, payload, sizes[number], payload_rate, cost, place, stock, plan.call_off)


def _rates(scenario: Scenario) -> set[float]:
    return {rate for link in scenario.links.values() for rate in (link.up, link.down)}


def _turn(contenders: tuple[Contender, ...], number: int) -> tuple[Contender, ...]:
    """Each round in another order: what disturbs one disturbs all."""
    start = number % max(1, len(contenders))
    return contenders[start:] + contenders[:start]


def _takes_part(plan: _Plan, contender: Contender, scenario: str, number: int) -> bool:
    """Whether it races. Who sends all from one place is slow, and always the same: once, in few scenarios."""
    if contender.name not in plan.only.get(scenario, (contender.name,)):
        return False
    if not contender.swarm and number > 0:
        return False
    if contender.updates_only:
        return scenario == "update"
    return contender.swarm or scenario in EVERYBODY or plan.call_off is not None


def _comparison(plan: _Plan, folder: Path, measured: dict[float, plain.Plain], races: list[Race]) -> Comparison:
    about = {
        "command": _command(sys.argv[1:]),
        "hosts": str(plan.hosts),
        "host link": f"{plan.rate / 1e6:g} Mbit/s",
        "store link": f"{plan.store_rate / 1e6:g} Mbit/s",
        "image": f"{plan.size / 1e6:.0f} MB, {'random bytes' if plan.real is None else 'real'}",
        "rounds": str(plan.rounds),
        **machine.facts(folder),
    }
    versions = {contender.name: contender.version() for contender in plan.contenders}
    titles = {contender.name: contender.title for contender in plan.contenders}
    rates = {f"{rate:.0f}": each.rate for rate, each in measured.items()}
    return Comparison(about, versions, titles, rates, tuple(races))


def _command(arguments: list[str]) -> str:
    """How to run it again; where its report went is nobody's business."""
    place = arguments.index("--out") if "--out" in arguments else len(arguments)
    return f"python -m benchmarks {shlex.join([*arguments[:place], *arguments[place + 2 :]])}"


def _tell_race(one: Race) -> None:
    if one.failure is not None:
        _say(f"  failed: {one.failure.strip().splitlines()[-1]}")
    else:
        _say(f"  last host {one.last:.1f} s, {one.over_limit:.2f} x limit, {one.copies:.2f} copies, CPU {one.cpu:.0%}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
