"""BitTorrent alone: one seeder with the store's link, a tracker, and libtorrent tuned for a LAN on every host."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from shutil import which
from typing import TYPE_CHECKING

import libtorrent as lt

from benchmarks.compare import torrent
from benchmarks.compare.contender import Job
from benchmarks.compare.payload import NAME
from benchmarks.compare.scenarios import STORE
from benchmarks.compare.torrent import COMPLETE
from benchmarks.contenders import environment
from benchmarks.measure import PROJECT
from tools.lab.opentracker import PORT, Tracker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.compare.contender import Site, Versions


@dataclass(frozen=True, slots=True)
class BitTorrent:
    """libtorrent; in an update, hosts check the old file and keep what is still right.

    `super_seed`: the seeder gives each piece to one host and waits until another has it (BEP 16): fewer copies, slower.
    """

    name: str = "bittorrent"
    title: str = "BitTorrent (one seeder)"
    super_seed: bool = False
    swarm: bool = True
    updates_only: bool = False

    def missing(self) -> list[str]:
        """The commands that are not installed."""
        return [each for each in ("opentracker", "setpriv") if which(each) is None]

    def version(self) -> str:
        """Of libtorrent."""
        return f"libtorrent {lt.__version__}"

    def stock(self, versions: Versions, folder: Path) -> None:
        """Nothing: the seeder has the file."""

    @contextmanager
    def serve(self, site: Site) -> Iterator[None]:
        """The tracker and the seeder."""
        tracker = f"http://{site.store_address}:{PORT}/announce"
        made = torrent.make(site.payload.image, site.folder / "torrent", tracker=tracker)
        wrapper = site.network.command(STORE)
        with Tracker(site.folder / "tracker", site.store_address, [made.info_hash], wrapper=wrapper):
            command = client(made.file, site.payload.image.parent, site.store_address)
            command += ["--super-seed"] if self.super_seed else []
            with subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *wrapper, *command], cwd=PROJECT, stdout=subprocess.PIPE, text=True
            ) as seeder:
                try:
                    assert seeder.stdout is not None
                    seeder.stdout.readline()
                    yield
                finally:
                    seeder.kill()

    def prepare(self, site: Site, host: str) -> None:
        """The old file under the new one's name."""
        keep_held(site, host)

    def job(self, site: Site, host: str) -> Job:
        """A client."""
        folder = site.host_folder(host)
        arguments = client(site.folder / "torrent", folder, site.network.address(host))
        return Job(arguments, environment({"PYTHONPATH": str(PROJECT)}), folder / NAME, complete=COMPLETE)


def client(file: Path, folder: Path, address: str) -> list[str]:
    """The command of a libtorrent client."""
    return [sys.executable, "-m", "benchmarks.compare.torrent_client", str(file), str(folder), address]


def keep_held(site: Site, host: str) -> None:
    """In an update, put the held version where the client will find it and check it."""
    if site.payload.held is not None:
        shutil.copyfile(site.payload.held, site.host_folder(host) / NAME)


CONTENDER = BitTorrent()
SUPER_SEED = BitTorrent("superseed", "BitTorrent (super-seed)", super_seed=True)
