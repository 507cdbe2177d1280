"""Hosts that come and go under random faults, for as long as asked: does anything wrong ever get through, or leak?

A real Swift that goes wrong every few seconds; hosts that fetch one of three versions of a demo, are killed, stopped,
told to end, or find their cache damaged; two seeders that stay all the time, and whose memory, descriptors and threads
are watched. Every image that a fetch calls done is compared with what was published.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.measure import PROJECT
from benchmarks.soak.faults import trouble_the_store
from benchmarks.soak.host import Host, be_a_host
from benchmarks.soak.site import Site
from benchmarks.soak.tally import Tally
from benchmarks.soak.watch import Seeder, left_over
from tools.lab.sizes import parse_size
from tools.lab.swift import Swift

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SUMMARY = "hosts that come and go under random faults: wrong bytes, leaks"
_ALWAYS_THERE = 2
_SAMPLE_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--minutes", type=float, default=20.0, help="how long (default: %(default)g)")
    parser.add_argument("--hosts", type=int, default=5, help="that come and go (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, default=parse_size("24MiB"), help="of an image (default: 24MiB)")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default: %(default)s)")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", default=Path(tempfile.gettempdir()) / "dcdist-soak-evidence",
        help="where the log, the trace and the stacks of fetches go that went wrong (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there")


def run(options: argparse.Namespace) -> int:
    """Soak, print the report; 1 if anything wrong got through or was left over."""
    with tempfile.TemporaryDirectory(prefix="dcdist-soak-") as name:
        folder = Path(name)
        names = [f"h{number}" for number in range(options.hosts)]
        with Swift(folder / "swift", more_users=names) as swift:
            site = Site(swift, folder, options.keep)
            print(f"publishing {len(site.versions)} versions of {options.size / 1e6:.0f} MB", flush=True)
            site.publish(options.size, options.seed)
            tally = asyncio.run(_soak(site, options.minutes * 60, names, options.seed))
            tally.left_over = left_over(str(folder))
    report = {"about": {"minutes": options.minutes, "hosts": options.hosts, **machine.facts(PROJECT)}, **tally.report()}
    print(tally.show())
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if tally.is_clean() else 1


async def _soak(site: Site, seconds: float, names: Sequence[str], seed: int) -> Tally:
    tally = Tally()
    ends = time.monotonic() + seconds
    seeders = [Seeder(site, number) for number in range(_ALWAYS_THERE)]
    try:
        for seeder in seeders:
            await seeder.start()
        hosts = [Host(site, name, random.Random(f"{seed} {name}"), tally) for name in names]
        async with asyncio.TaskGroup() as group:
            group.create_task(trouble_the_store(site.swift, random.Random(seed), tally, ends))
            group.create_task(_watch(seeders, tally, ends))
            for host in hosts:
                group.create_task(be_a_host(host, ends))
    finally:
        for seeder in seeders:
            await seeder.stop()
    _settle(site, hosts, tally)
    return tally


def _settle(site: Site, hosts: Sequence[Host], tally: Tally) -> None:
    """Find out what became of all wrong bytes that were injected."""
    tally.settle_store((site.injected(each) for each in site.swift.corrupted()), store=site.url)
    for host in hosts:
        host.damages.end()
    tally.settle_caches(host.damages.fates for host in hosts)
    tally.settle_peers(store=site.url)


async def _watch(seeders: Sequence[Seeder], tally: Tally, ends: float) -> None:
    while time.monotonic() < ends:
        await asyncio.sleep(_SAMPLE_SECONDS)
        for seeder in seeders:
            tally.sampled(seeder.name, seeder.sample())
        print(tally.line(max(0.0, ends - time.monotonic())), file=sys.stderr, flush=True)
