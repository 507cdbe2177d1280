"""`tools/fuzz`: which decoders, for how long, and what to do with what was found."""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.campaigns.keeping import worth_keeping
from tests.fuzz.campaigns.record import continued, executions_before, is_reached, line, note
from tests.fuzz.campaigns.run import Bounds, Report, fuzz
from tests.fuzz.corpus import keep, kept
from tests.fuzz.registry import TARGETS, target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fuzz.target import Target

PROJECT = Path(__file__).resolve().parents[3]
EPILOG = """\
A finding is an input that makes a decoder raise anything but a refusal, breaks a rule of its target
(tests/fuzz/targets/NAME.py), or takes over 3 s of processor time or 512 MiB of memory. The run of that target ends,
tells it, and keeps the input as build/fuzz/NAME/findings/crash-*. To go on from there:

  tools/fuzz NAME --replay FILE     the same once more, with its traceback, without a fuzzer
  tools/fuzz NAME --only-keep       put what was reached into tests/fuzz/corpus/NAME.txt, which the tests replay

Ctrl-C ends all and notes how far they came: the same command goes on from there as long as the code is the same.

Mend the decoder, write the test with the input in it, then run once more with --keep.

examples:
  tools/fuzz --list                                       the targets and their decoders
  tools/fuzz                                              all, two at a time: a few hours
  tools/fuzz heartbeat listing --minutes-quiet 1          a quick look at two of them
  tools/fuzz --missing --record benchmarks/results/fuzz.json --keep
                                                          finish what the record says is not done
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 if all reached their bounds, 1 if not, 3 if something was found."""
    options = _parser().parse_args(arguments)
    if options.list:
        for each in TARGETS:
            decoders = ", ".join(f"{decoder.__module__}.{decoder.__qualname__}" for decoder in each.decoders)
            print(f"{each.name:10} {decoders}")
        return 0
    chosen = [target(name) for name in options.targets] or list(TARGETS)
    if options.replay is not None:
        for each in chosen:
            each.run(options.replay.read_bytes())
        return 0
    if options.only_keep:
        for each in chosen:
            _keep(each, options.folder / each.name / "inputs")
        return 0
    if options.missing:
        chosen = [each for each in chosen if not is_reached(options.record, each.name)]
    if options.idle and hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    reports = asyncio.run(_run_all(chosen, options))
    for report in reports:
        print(line(report))
    if any(report.finding for report in reports):
        return 3
    return 0 if len(reports) == len(chosen) and all(report.reached for report in reports) else 1


async def _run_all(chosen: Sequence[Target], options: argparse.Namespace) -> list[Report]:
    stop = asyncio.Event()
    bounds = Bounds(options.executions, 60 * options.minutes_quiet, 60 * options.minutes_at_most, stop)
    turns = asyncio.Semaphore(options.jobs)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async def run(each: Target) -> Report | None:
        async with turns:
            if stop.is_set():
                return None
            left = replace(bounds, executions=bounds.executions - executions_before(options.record, each.name))
            report = await fuzz(each, left, options.folder / each.name, _tell)
        report = continued(options.record, report)
        note(options.record, report)
        _tell(line(report) + (f"\n{report.finding}" if report.finding else ""))
        if options.keep and not report.finding:
            await asyncio.to_thread(_keep, each, options.folder / each.name / "inputs")
        return report

    async with asyncio.TaskGroup() as tasks:
        runs = [tasks.create_task(run(each)) for each in chosen]
    return [report for each in runs if (report := each.result()) is not None]


def _keep(each: Target, inputs: Path) -> None:
    found = [path.read_bytes() for path in sorted(inputs.iterdir())] if inputs.exists() else []
    chosen = worth_keeping(each, [*found, *each.seeds(), *kept(each.name)])
    keep(each.name, chosen)
    _tell(f"{each.name}: {len(chosen)} inputs kept, {sum(map(len, chosen))} bytes")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tools/fuzz",
        description="Fuzz the decoders of dcdist with atheris (coverage-guided), each until it was executed often "
        "enough and nothing new was reached for long enough. Prints a line a minute, and writes a record as JSON.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("targets", nargs="*", metavar="NAME", help="targets (see --list); all if none is named")
    parser.add_argument("--list", action="store_true", help="list the targets and the decoders that they are there for")
    parser.add_argument("--executions", type=int, default=1_000_000, metavar="N", help="at least so many (1000000)")
    parser.add_argument(
        "--minutes-quiet", type=float, default=10, metavar="M", help="and so long without a new edge (10)"
    )
    parser.add_argument("--minutes-at-most", type=float, default=math.inf, metavar="M", help="but end after so long")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="targets at a time (2)")
    parser.add_argument("--idle", action="store_true", help="only take what other programs leave of the processors")
    parser.add_argument("--missing", action="store_true", help="only what the record does not show as done")
    parser.add_argument(
        "--keep", action="store_true", help="then keep the inputs that are worth it in tests/fuzz/corpus"
    )
    parser.add_argument(
        "--only-keep", action="store_true", help="the same for what earlier runs reached, and nothing else"
    )
    parser.add_argument("--replay", type=Path, metavar="FILE", help="run the target on this input, and nothing else")
    folder = PROJECT / "build" / "fuzz"
    parser.add_argument("--folder", type=Path, default=folder, metavar="DIR", help="inputs and findings (build/fuzz)")
    record = folder / "record.json"
    parser.add_argument(
        "--record", type=Path, default=record, metavar="FILE", help="the record (build/fuzz/record.json)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
