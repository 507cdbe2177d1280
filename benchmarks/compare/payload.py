"""What is brought: an XVA of random bytes in two versions, or two real ones."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from benchmarks.compare.contender import Versions
from benchmarks.measure import BenchmarkError
from tools.lab.xva_writer import MEMBER, write_xva

if TYPE_CHECKING:
    from pathlib import Path

NAME = "image.xva"
CHANGED = 4
"""One member in so many is rewritten in the second version."""


def make_random(folder: Path, size: int) -> Versions:
    """Two versions of an image of `size` bytes that does not compress: every fourth member of the second is new."""
    first, second = folder / "old", folder / "new"
    for directory in (first, second):
        directory.mkdir(parents=True)
    dealer = random.Random(1)
    members = max(1, size // MEMBER)
    disk = folder / "disk"
    with disk.open("wb") as out:
        for _ in range(members):
            out.write(dealer.randbytes(MEMBER))
    _write(first / NAME, disk)
    with disk.open("r+b") as out:
        for member in dealer.sample(range(members), max(1, members // CHANGED)):
            out.seek(member * MEMBER)
            out.write(dealer.randbytes(MEMBER))
    _write(second / NAME, disk)
    disk.unlink()
    return Versions(first / NAME, second / NAME)


def take_real(folder: Path, source: Path) -> Versions:
    """The first two XVAs of a directory, by name, under one name.

    Raises:
        BenchmarkError: There are not two.
    """
    found = sorted(source.glob("*.xva"))
    if len(found) < 2:
        raise BenchmarkError(f"{source} has not two XVAs; tools/make_images --out {source} makes three")
    files = []
    for name, origin in zip(("old", "new"), found, strict=False):
        (folder / name).mkdir(parents=True)
        files.append(folder / name / NAME)
        files[-1].write_bytes(origin.read_bytes())
    return Versions(files[0], files[1])


def _write(image: Path, disk: Path) -> None:
    with image.open("wb") as out:
        write_xva(out, "demo", [disk])
