"""Long courses of the planner, drawn by lot: `python -m tests.fuzz.campaigns.courses --steps 1000000 --seed 1`.

Coverage leads a fuzzer to short inputs; what takes a thousand steps needs chance. A finding is cut down to the steps
that it takes, kept for `tools/fuzz planner --replay FILE`, and told with its seed.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.hostile_steps import HEAD, play

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LENGTH = 1000
"""Steps of one course."""

FINDINGS = Path(__file__).resolve().parents[3] / "build" / "fuzz" / "planner" / "findings"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 if the bound held at each step, 3 if not."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.campaigns.courses", description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, metavar="N", help="at least so many (1000000)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the first course (1); each next, one more")
    parser.add_argument("--findings", type=Path, default=FINDINGS, metavar="DIR", help="where findings are kept")
    options = parser.parse_args(arguments)
    taken, seed, begun = 0, options.seed, time.process_time()
    while taken < options.steps:
        course = random.Random(seed).randbytes(HEAD + 2 * _LENGTH)
        finding = broken(course)
        if finding:
            least = cut_down(course, lambda each: bool(broken(each)))
            options.findings.mkdir(parents=True, exist_ok=True)
            path = options.findings / f"course-{seed}"
            path.write_bytes(least)
            print(f"seed {seed}: {broken(least)}; the {(len(least) - HEAD) // 2} steps that it takes are in {path}")
            return 3
        taken += _LENGTH
        seed += 1
    seconds = time.process_time() - begun
    courses = f"{seed - options.seed:,} courses from seed {options.seed} on"
    print(f"{taken:,} steps, {courses}, {seconds:.0f} s of processor time: the bound held at each step")
    return 0


def broken(course: bytes) -> str:
    """What a course breaks; empty if nothing."""
    try:
        play(course)
    except AssertionError as finding:
        return str(finding) or "a rule"
    return ""


def cut_down(course: bytes, breaks: Callable[[bytes], bool]) -> bytes:
    """The fewest steps that still break something: parts are left out, large ones first."""
    head, steps = course[:HEAD], [course[at : at + 2] for at in range(HEAD, len(course) - 1, 2)]
    size = len(steps) // 2
    while size:
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size :]
            if breaks(head + b"".join(fewer)):
                steps = fewer
            else:
                at += size
        size //= 2
    return head + b"".join(steps)


if __name__ == "__main__":
    sys.exit(main())
