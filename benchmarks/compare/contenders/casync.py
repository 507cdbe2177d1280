"""casync: content-defined chunks in the object store, seeded from the version that the host holds. Updates only."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from shutil import which
from typing import TYPE_CHECKING

from benchmarks.compare import swift_stock
from benchmarks.compare.contender import Job
from benchmarks.compare.payload import NAME
from benchmarks.contenders import environment
from benchmarks.measure import BenchmarkError
from tools.lab.swift_config import KEY, USER

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.compare.contender import Site, Versions

_INDEX = "casync/image.caibx"
_CHUNKS = "casync/chunks.castr"


@dataclass(frozen=True, slots=True)
class Casync:
    """casync extract over HTTP."""

    name: str = "casync"
    title: str = "casync"
    swarm: bool = False
    updates_only: bool = True

    def missing(self) -> list[str]:
        """The commands that are not installed."""
        return [each for each in ("casync", "rclone") if which(each) is None]

    def version(self) -> str:
        """Of casync."""
        return subprocess.run(["casync", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]

    def stock(self, versions: Versions, folder: Path) -> None:
        """The new version in chunks, as objects."""
        place = folder / "casync"
        if place.exists():
            return
        place.mkdir()
        chunks, index = folder / _CHUNKS, folder / _INDEX
        _run(["casync", "make", f"--store={chunks}", str(index), str(versions.second)], environment())
        swift_stock.upload_plain(folder, {_INDEX: index})
        with swift_stock.on_loopback(folder) as swift:
            settings = {"TYPE": "swift", "AUTH": swift.environment["ST_AUTH"], "USER": USER, "KEY": KEY}
            remote = {f"RCLONE_CONFIG_BENCH_{name}": value for name, value in settings.items()}
            remote |= {"RCLONE_CONFIG_BENCH_AUTH_VERSION": "1", "RCLONE_CONFIG": "/dev/null"}
            copy = ["rclone", "copy", "--transfers", "16", "--no-traverse", str(chunks)]
            _run([*copy, f"bench:{swift_stock.PLAIN}/{_CHUNKS}"], environment(remote))

    def serve(self, site: Site) -> AbstractContextManager[None]:
        """The Swift."""
        return swift_stock.in_network(site)

    def prepare(self, site: Site, host: str) -> None:
        """The held version beside the new one's place."""
        assert site.payload.held is not None
        held = site.host_folder(host) / "held.xva"
        held.write_bytes(site.payload.held.read_bytes())

    def job(self, site: Site, host: str) -> Job:
        """An extraction."""
        folder = site.host_folder(host)
        where = f"--store={swift_stock.plain_url(site, _CHUNKS)}"
        arguments = ["casync", "extract", where, f"--seed={folder / 'held.xva'}", "--seed-output=no"]
        output = folder / NAME
        return Job([*arguments, swift_stock.plain_url(site, _INDEX), str(output)], environment(), output)


def _run(command: list[str], surroundings: dict[str, str]) -> None:
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")


CONTENDER = Casync()
