"""dcdist: the command as a user runs it, on Swift, of this or another checkout; in a hurry, or sparing the store."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import machine
from benchmarks.compare import bad_peers, checkout, swift_stock
from benchmarks.compare.contender import Job
from benchmarks.compare.payload import NAME
from benchmarks.contenders import environment
from benchmarks.measure import PROJECT, BenchmarkError
from tools.lab.swift_config import KEY, USER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.compare.contender import Site, Versions

_LAST_WORDS = 1500


@dataclass(frozen=True, slots=True)
class Dcdist:
    """One way to run it; `options` are added to the command, `source` is the checkout whose code runs."""

    name: str
    title: str
    options: tuple[str, ...]
    swarm: bool = True
    updates_only: bool = False
    bad_peers: bool = False
    """Each host is told of some that offer everything and give nothing, and of some that talk nonsense."""
    source: Path = PROJECT

    def missing(self) -> list[str]:
        """Nothing: it is this project."""
        return []

    def version(self) -> str:
        """The commit of its checkout."""
        return machine.commit(self.source)

    def stock(self, versions: Versions, folder: Path) -> None:
        """Publish both versions with this checkout; fetch the first with its own code, for hosts that hold it.

        So a checkout that cannot read the stock is found before any race.
        """
        swift_stock.publish(folder, versions)
        if not self._code(folder).exists():
            checkout.copy(self.source, self._code(folder))
        held = self._held(folder)
        if (held / "images" / NAME).exists():
            return
        with swift_stock.on_loopback(folder) as swift:
            command = _fetch(folder, 1, held, ("--no-swarm", "--seed-for", "0"))
            surroundings = environment({**swift.environment, **checkout.python_path(self._code(folder))})
            done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
        if done.returncode:
            # With --json the reason is the last event.
            reason = (done.stderr + done.stdout)[-_LAST_WORDS:].strip()
            raise BenchmarkError(f"{self.title} cannot fetch what this checkout published:\n{reason}")

    @contextmanager
    def serve(self, site: Site) -> Iterator[None]:
        """The Swift, and beside it the bad peers, if there are any."""
        with swift_stock.in_network(site), bad_peers.beside_store(site) if self.bad_peers else nullcontext():
            yield

    def prepare(self, site: Site, host: str) -> None:
        """In an update, the cache and the image of version 1."""
        if site.scenario.update:
            shutil.copytree(self._held(site.stock), site.host_folder(host), dirs_exist_ok=True)

    def job(self, site: Site, host: str) -> Job:
        """A fetch that goes on seeding, unless it trades with nobody."""
        folder = site.host_folder(host)
        signing = swift_stock.account(site, {"ST_USER": USER, "ST_KEY": KEY})
        peers = bad_peers.addresses(site) if self.bad_peers else ()
        seeding = ("--seed-for", "1h") if self.swarm else ()
        options = (*seeding, *self.options, *(word for peer in peers for word in ("--peer", peer)))
        arguments = _fetch(site.stock, site.payload.version, folder, options)
        return Job(arguments, signing | checkout.python_path(self._code(site.stock)), folder / "images" / NAME)

    def _code(self, stock: Path) -> Path:
        return stock / ("code" if self.source == PROJECT else "code-before")

    def _held(self, stock: Path) -> Path:
        return stock / ("held" if self.source == PROJECT else "held-before")


def layer_bytes(stock: Path, number: int) -> int:
    """Bytes that a host with the version before must move: what one copy of it is.

    Raises:
        BenchmarkError: The store does not tell.
    """
    with swift_stock.on_loopback(stock) as swift:
        command = [sys.executable, "-m", "dcdist", "show", swift_stock.release(number), "--json"]
        command += ["--store", swift_stock.RELEASES]
        done = subprocess.run(
            command, cwd=PROJECT, env=environment(swift.environment), capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
    return int(json.loads(done.stdout.splitlines()[-1])["bytes"]["new"])


def _fetch(stock: Path, number: int, folder: Path, options: tuple[str, ...]) -> list[str]:
    command = [sys.executable, "-m", "dcdist", "fetch", swift_stock.release(number)]
    command += ["--store", swift_stock.RELEASES, "--trust", str(swift_stock.trust(stock))]
    return [*command, "--dest", str(folder / "images"), "--cache", str(folder / "cache"), "--json", *options]


def before(source: Path) -> tuple[Dcdist, Dcdist]:
    """The same two ways with the code of another checkout."""
    return (
        Dcdist("before", "dcdist before --prefer time", CONTENDER.options, source=source),
        Dcdist("before-egress", "dcdist before --prefer egress", EGRESS.options, source=source),
    )


CONTENDER = Dcdist("dcdist", "dcdist --prefer time", ())
EGRESS = Dcdist("dcdist-egress", "dcdist --prefer egress", ("--prefer", "egress"))
ALONE = Dcdist("dcdist-alone", "dcdist --no-swarm", ("--no-swarm",), swarm=False)
"""What a host that trades must never be slower than."""
STREAM = Dcdist("dcdist-stream", "dcdist --prefer egress --order stream", ("--prefer", "egress", "--order", "stream"))
"""Hosts that take the release from front to back must still have something to trade."""
TROUBLED = Dcdist("dcdist-bad-peers", "dcdist among bad peers", (), bad_peers=True)
"""Peers that are no good must not make it slower either."""
