"""A small update, again and again: how many copies of it leave the store?

What `tools/quickstart` does, with its hosts, its image and its options: all hosts fetch version 1 together, then
version 2. Images are made and published once; each round begins with a fresh store and hosts that hold nothing. A
release of a few megabytes is the hardest one to share: there is little time to see what others draw.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.columns import aligned
from benchmarks.measure import PROJECT, BenchmarkError
from benchmarks.report import Spread
from tools.lab.digest import digest_of
from tools.lab.quickstart import DISK, HOSTS, Quickstart, QuickstartError, copies_sent, make_images
from tools.lab.sizes import parse_size

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SUMMARY = "the update of tools/quickstart, again and again: copies that leave the store"
HEAD = ("round", "version", "new MB", "copies", "seconds")


@dataclass(frozen=True, slots=True)
class Fetch:
    """All hosts' fetch of one version.

    `round` and `version` count from 1; `new`: bytes that it added to the store, some thousandths more than a
    host must move; `copies`: of them, sent by the store; `seconds`: of the slowest host.
    """

    round: int
    version: int
    new: int
    copies: float
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--repeat", type=int, default=5, help="rounds (default: %(default)s)")
    parser.add_argument("--hosts", type=int, default=HOSTS, help="how many (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, default=parse_size(DISK), help=f"of the disk (default: {DISK})")
    parser.add_argument("--bound", type=float, default=1.1, help="most copies allowed (default: %(default)s)")
    parser.add_argument("--dir", type=Path, default=PROJECT / "build", help="where all happens (default: build)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")


def run(options: argparse.Namespace) -> int:
    """Measure, print the table; 1 if any fetch took more copies than the bound.

    Raises:
        BenchmarkError: A step failed.
    """
    options.dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="updates-", dir=options.dir) as scratch:
        try:
            found = measure(Path(scratch), options.hosts, options.size, options.repeat)
        except QuickstartError as fault:
            raise BenchmarkError(str(fault)) from fault
        about = {"benchmark": "updates", "hosts": options.hosts, "machine": machine.facts(Path(scratch))}
    print(show(found, options.bound))
    if options.json:
        content = {**about, "bound": options.bound, "fetches": [asdict(each) for each in found]}
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    return 1 if over(found, options.bound) else 0


def measure(folder: Path, hosts: int, size: int, rounds: int) -> list[Fetch]:
    """All rounds; `size`: bytes of the disk.

    Raises:
        QuickstartError: A step failed.
    """
    images = make_images(folder, size)
    digests = [digest_of(image) for image in images]
    published = Quickstart(folder / "published", hosts)
    published.make_keys()
    added = [published.publish(version, image)["uploaded"] for version, image in enumerate(images, start=1)]
    found = []
    for number in range(1, rounds + 1):
        place = published.copied_to(folder / f"round-{number}")
        for version, (digest, new) in enumerate(zip(digests, added, strict=True), start=1):
            fetched = place.fetch(version, digest)
            seconds = max(host.seconds for host in fetched)
            found.append(Fetch(number, version, new, round(copies_sent(fetched, new), 4), seconds))
    return found


def show(found: Sequence[Fetch], bound: float) -> str:
    """A row for each fetch, then the median and range of each version, and what is over the bound."""
    rows = [
        (str(each.round), str(each.version), f"{each.new / 1e6:.1f}", f"{each.copies:.2f}", f"{each.seconds:.1f}")
        for each in found
    ]
    lines = [aligned(HEAD, rows), ""]
    for version in dict.fromkeys(each.version for each in found):
        copies = Spread.of([each.copies for each in found if each.version == version])
        lines.append(f"version {version}: {copies.show(2)} copies")
    lines.append(f"{len(over(found, bound))} of {len(found)} fetches took more than {bound:g} copies")
    return "\n".join(lines)


def over(found: Sequence[Fetch], bound: float) -> list[Fetch]:
    """The fetches with more copies than the bound."""
    return [each for each in found if each.copies > bound]
