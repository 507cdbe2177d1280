"""What every way of distribution must offer to be raced: what it needs, what it serves, what a host runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from benchmarks.compare.scenarios import STORE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.compare.scenarios import Scenario
    from tools.lab.network import Network


@dataclass(frozen=True, slots=True)
class Payload:
    """What is brought in one race: version 1 or 2 of an XVA; `digest` is its SHA-256, in hex.

    `held`: in an update, the earlier version that every host holds.
    """

    version: int
    image: Path
    digest: str
    held: Path | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """Both versions of the image; the files have the same name in different folders."""

    first: Path
    second: Path


@dataclass(frozen=True, slots=True)
class Site:
    """One race's place: its network, and a folder in memory (tmpfs) that is empty when the race begins.

    `stock` holds what servers hand out; it outlives the race and is shared by all contenders and races.
    """

    network: Network
    scenario: Scenario
    payload: Payload
    folder: Path
    stock: Path

    @property
    def store_address(self) -> str:
        """The store's IPv4 address."""
        return self.network.address(STORE)

    def host_folder(self, host: str) -> Path:
        """What one host keeps; made by the race before `prepare`."""
        return self.folder / host


@dataclass(frozen=True, slots=True)
class Job:
    """What a host runs once it may start.

    `complete`: a line of its output that begins with this says that `output` is whole and checked by the client; None:
    its end says so (processes that it leaves behind go on serving). It is ended, with all that it started, after the
    last host is done. `check`: the client checks nothing itself, so a SHA-256 of the file counts as part of its time.
    """

    arguments: Sequence[str]
    environment: Mapping[str, str]
    output: Path
    complete: str | None = None
    check: bool = False


class Contender(Protocol):
    """One way of distribution. Servers and jobs are real programs, with the best settings known for them."""

    @property
    def name(self) -> str:
        """As on the command line."""

    @property
    def title(self) -> str:
        """As in tables."""

    @property
    def swarm(self) -> bool:
        """Whether hosts give to each other; those that do not run in few scenarios."""

    @property
    def updates_only(self) -> bool:
        """Whether it only makes sense where an earlier version is held."""

    def missing(self) -> list[str]:
        """The commands or packages that are not installed; empty: it can run."""

    def version(self) -> str:
        """Of its programs."""

    def stock(self, versions: Versions, folder: Path) -> None:
        """Once: bring both versions into the form that the servers hand out, in `folder` (shared by all contenders).

        Raises:
            BenchmarkError: A tool failed.
        """

    def serve(self, site: Site) -> AbstractContextManager[None]:
        """The servers, in the store's network namespace, ready when entered and gone when left."""

    def prepare(self, site: Site, host: str) -> None:
        """Untimed: put into `site.host_folder(host)` what the host holds before the start: in an update, version 1."""

    def job(self, site: Site, host: str) -> Job:
        """What the host runs."""
