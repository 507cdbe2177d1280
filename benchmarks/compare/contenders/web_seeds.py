"""BitTorrent with the object store as web seed (BEP 19): libtorrent, a tracker, and Swift."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from shutil import which
from typing import TYPE_CHECKING

import libtorrent as lt

from benchmarks.compare import swift_stock, torrent
from benchmarks.compare.contender import Job
from benchmarks.compare.contenders.bittorrent import client, keep_held
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
class WebSeeds:
    """libtorrent with url seeds; in an update, hosts check the old file and keep what is still right."""

    name: str = "webseeds"
    title: str = "libtorrent + web seed"
    swarm: bool = True
    updates_only: bool = False

    def missing(self) -> list[str]:
        """The commands that are not installed."""
        return [each for each in ("opentracker",) if which(each) is None]

    def version(self) -> str:
        """Of libtorrent."""
        return f"libtorrent {lt.__version__}"

    def stock(self, versions: Versions, folder: Path) -> None:
        """Each version as one object that anybody may read."""
        swift_stock.upload_images(folder, versions)

    @contextmanager
    def serve(self, site: Site) -> Iterator[None]:
        """Swift and the tracker."""
        with swift_stock.in_network(site), tracked(site):
            yield

    def prepare(self, site: Site, host: str) -> None:
        """The old file under the new one's name."""
        keep_held(site, host)

    def job(self, site: Site, host: str) -> Job:
        """A client."""
        folder = site.host_folder(host)
        arguments = client(site.folder / "torrent", folder, site.network.address(host))
        return Job(arguments, environment({"PYTHONPATH": str(PROJECT)}), folder / NAME, complete=COMPLETE)


@contextmanager
def tracked(site: Site) -> Iterator[None]:
    """A tracker, and `torrent` in the site's folder, with the store's object as web seed."""
    tracker = f"http://{site.store_address}:{PORT}/announce"
    seeds = [swift_stock.plain_url(site, swift_stock.plain_name(site.payload.version))]
    made = torrent.make(site.payload.image, site.folder / "torrent", tracker=tracker, web_seeds=seeds)
    wrapper = site.network.command(STORE)
    with Tracker(site.folder / "tracker", site.store_address, [made.info_hash], wrapper=wrapper):
        yield


CONTENDER = WebSeeds()
