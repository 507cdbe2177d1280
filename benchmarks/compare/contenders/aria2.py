"""aria2: a torrent whose web seed is the object store, and a tracker."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import which
from typing import TYPE_CHECKING

from benchmarks.compare import swift_stock
from benchmarks.compare.contender import Job
from benchmarks.compare.contenders.bittorrent import keep_held
from benchmarks.compare.contenders.web_seeds import tracked
from benchmarks.compare.payload import NAME
from benchmarks.contenders import environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.compare.contender import Site, Versions

_COMPLETE = "complete"
_OPTIONS = (
    "--enable-dht=false",
    "--enable-dht6=false",
    "--bt-enable-lpd=false",
    "--enable-peer-exchange=true",
    "--seed-time=1000",
    "--seed-ratio=0",
    "--file-allocation=none",
    "--bt-max-peers=0",
    "--bt-request-peer-speed-limit=500M",
    "--bt-tracker-interval=3",
    "--bt-hash-check-seed=false",
    "--check-integrity=true",
    "--allow-overwrite=true",
    "--max-connection-per-server=1",
    "--split=1",
    "--stream-piece-selector=random",
    "--disk-cache=64M",
    "--async-dns=false",
    "--quiet=true",
)


@dataclass(frozen=True, slots=True)
class Aria2:
    """aria2c; in an update, hosts check the old file and keep what is still right."""

    name: str = "aria2"
    title: str = "aria2 (torrent + web seed)"
    swarm: bool = True
    updates_only: bool = False

    def missing(self) -> list[str]:
        """The commands that are not installed."""
        return [each for each in ("aria2c", "opentracker") if which(each) is None]

    def version(self) -> str:
        """Of aria2."""
        return subprocess.run(["aria2c", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]

    def stock(self, versions: Versions, folder: Path) -> None:
        """Each version as one object that anybody may read."""
        swift_stock.upload_images(folder, versions)

    @contextmanager
    def serve(self, site: Site) -> Iterator[None]:
        """Swift and the tracker; and what says that a file is complete."""
        hook = site.folder / "complete.sh"
        hook.write_text(f"#!/bin/sh\necho {_COMPLETE}\n")
        hook.chmod(0o755)
        with swift_stock.in_network(site), tracked(site):
            yield

    def prepare(self, site: Site, host: str) -> None:
        """The old file under the new one's name."""
        keep_held(site, host)

    def job(self, site: Site, host: str) -> Job:
        """A client."""
        folder = site.host_folder(host)
        hook = f"--on-bt-download-complete={site.folder / 'complete.sh'}"
        arguments = ["aria2c", *_OPTIONS, hook, "-d", str(folder), str(site.folder / "torrent")]
        return Job(arguments, environment(), folder / NAME, complete=_COMPLETE)


CONTENDER = Aria2()
