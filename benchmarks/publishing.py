"""Publishing an image into a directory, next to `zstd -T0` at the same level and `sha256sum` of the same image."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.contenders import RELEASE, environment
from benchmarks.measure import PROJECT, BenchmarkError, Command, measure

if TYPE_CHECKING:
    from pathlib import Path

BASELINE = "zstd, sha256sum"
LINK = "publish"
LEVEL = 9
"""zstd's, and the level at which dcdist publishes unless told otherwise."""


def compare(image: Path, scratch: Path, rounds: int) -> list[report.Run]:
    """All rounds, in turns.

    Raises:
        BenchmarkError: A program failed.
    """
    keys = scratch / "publisher"
    keygen = [sys.executable, "-m", "dcdist", "keygen", "--out", str(keys)]
    if subprocess.run(keygen, cwd=PROJECT, env=environment(), capture_output=True, check=False).returncode:
        raise BenchmarkError("no keys could be made")
    runs = []
    for number in range(rounds):
        turns = [("dcdist", _dcdist), (BASELINE, _zstd)]
        for name, command in turns if number % 2 == 0 else reversed(turns):
            place = scratch / "published"
            place.mkdir()
            told = Command(command(image, place, keys), environment(), place)
            measured = measure(told, sync=place, log=scratch / "client.log")
            shutil.rmtree(place)
            runs.append(report.Run(name, LINK, number, measured))
            print(f"{LINK} round {number + 1}: {name} {measured.seconds:.2f} s", file=sys.stderr)
    return runs


def _dcdist(image: Path, place: Path, keys: Path) -> list[str]:
    publish = [sys.executable, "-m", "dcdist", "publish", RELEASE, str(image), "--level", str(LEVEL)]
    return [*publish, "--store", (place / "store").as_uri(), "--key", str(keys / "publisher.key")]


def _zstd(image: Path, place: Path, keys: Path) -> list[str]:
    del keys
    script = f'zstd -{LEVEL} -T0 -q "$1" -o "$2" && sha256sum "$1"'
    return ["sh", "-c", script, "sh", str(image), str(place / "image.zst")]
