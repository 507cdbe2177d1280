"""The planner without a network: the scenarios of the comparison, and fleets, in the simulator of `dcdist.sim`.

`--scenario NAME` simulates one situation of the comparison with every piece: time over the limit, copies that the store
sent, and where second copies come from. Figures are those of a model; docs/simulator.md says how far it can be trusted.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmarks.compare import scenarios
from benchmarks.measure import BenchmarkError
from benchmarks.sim import single
from tools.lab.network import parse_rate
from tools.lab.sizes import parse_size

if TYPE_CHECKING:
    from collections.abc import Sequence

SUMMARY = "the same planner without a network, to 10,000 hosts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--scenario", action="append", choices=[*scenarios.SUMMARIES, "all"], help="of the comparison (repeatable)"
    )
    parser.add_argument("--hosts", type=int, default=8, help="of each scenario (default: %(default)s)")
    parser.add_argument("--rate", type=parse_rate, default="50mbit", help="of a host's link (default: %(default)s)")
    parser.add_argument("--store-rate", type=parse_rate, help="of the store's link (default: --rate)")
    parser.add_argument("--size", type=parse_size, default="512MiB", help="of the layers (default: %(default)s)")
    parser.add_argument("--prefer", choices=["egress", "time"], default="egress", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=1, help="seeds, counted from --seed (default: %(default)s)")
    parser.add_argument("--efficiency", type=float, default=0.97, help="of the swarm (default: %(default)s)")
    parser.add_argument("--draws", action="store_true", help="show when and by whom second copies were drawn")


def run(options: argparse.Namespace) -> int:
    """Run it, print what was found.

    Raises:
        BenchmarkError: The options make no sense together.
    """
    if not options.scenario:
        raise BenchmarkError("name a scenario with --scenario")
    names: Sequence[str] = list(scenarios.SUMMARIES) if "all" in options.scenario else options.scenario
    print(single.HEAD)
    for name in names:
        for seed in range(options.seed, options.seed + options.repeat):
            print(single.simulate(name, options, seed), flush=True)
    return 0
