"""A large NFS server: nfs-ganesha exports the image, each host copies it. NFS checks nothing, so a SHA-256 counts."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from shutil import which
from typing import TYPE_CHECKING

from benchmarks.compare.contender import Job
from benchmarks.compare.payload import NAME
from benchmarks.compare.scenarios import STORE
from benchmarks.contenders import environment
from benchmarks.measure import BenchmarkError
from tools.lab import ganesha
from tools.lab.ganesha import Ganesha, GaneshaError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.compare.contender import Site, Versions


@dataclass(frozen=True, slots=True)
class Nfs:
    """nfs-cp from nfs-ganesha, version 4."""

    name: str = "nfs"
    title: str = "NFS (ganesha, nfs-cp)"
    swarm: bool = False
    updates_only: bool = False

    def missing(self) -> list[str]:
        """The commands and packages that are not installed."""
        return [*ganesha.missing(), *(each for each in ("nfs-cp",) if which(each) is None)]

    def version(self) -> str:
        """Of the server."""
        shown = subprocess.run(["ganesha.nfsd", "-v"], capture_output=True, text=True, check=False).stdout
        return shown.strip().splitlines()[0] if shown.strip() else "unknown"

    def stock(self, versions: Versions, folder: Path) -> None:
        """Nothing: the file is exported as it is."""

    @contextmanager
    def serve(self, site: Site) -> Iterator[None]:
        """The NFS server.

        Raises:
            BenchmarkError: It did not start.
        """
        server = Ganesha(site.payload.image.parent, site.folder / "ganesha", wrapper=site.network.command(STORE))
        with ExitStack() as stack:
            try:
                stack.enter_context(server)
            except GaneshaError as fault:
                raise BenchmarkError(str(fault)) from fault
            yield

    def prepare(self, site: Site, host: str) -> None:
        """Nothing: it copies whole files."""

    def job(self, site: Site, host: str) -> Job:
        """A copy."""
        output = site.host_folder(host) / NAME
        arguments = ["nfs-cp", Ganesha.url(site.store_address, NAME), str(output)]
        return Job(arguments, environment(), output, check=True)


CONTENDER = Nfs()
