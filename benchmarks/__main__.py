"""The command line of the benchmarks: one subcommand for each module that measures something."""

from __future__ import annotations

import argparse
import sys

from benchmarks import host, micro, present, report_again, sim, soak, updates
from benchmarks.compare import command as compare
from benchmarks.measure import BenchmarkError

BENCHMARKS = {
    "compare": compare,
    "host": host,
    "micro": micro,
    "present": present,
    "report-again": report_again,
    "sim": sim,
    "soak": soak,
    "updates": updates,
}


def main() -> int:
    """Run one benchmark; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures dcdist beside other tools.")
    commands = parser.add_subparsers(required=True, metavar="BENCHMARK")
    for name, module in BENCHMARKS.items():
        command = commands.add_parser(name, help=module.SUMMARY, description=module.__doc__)
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args()
    try:
        return int(options.run(options))
    except BenchmarkError as fault:
        print(f"benchmark: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmark: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
