"""Object storage alone: rclone copies the image from Swift, in several streams."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from shutil import which
from typing import TYPE_CHECKING

from benchmarks.compare import swift_stock
from benchmarks.compare.contender import Job
from benchmarks.compare.payload import NAME
from tools.lab.swift_config import KEY, USER

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.compare.contender import Site, Versions


@dataclass(frozen=True, slots=True)
class ObjectStorage:
    """rclone on Swift; it checks the MD5 that the store has."""

    name: str = "rclone"
    title: str = "object storage (rclone)"
    swarm: bool = False
    updates_only: bool = False

    def missing(self) -> list[str]:
        """The commands that are not installed."""
        return [each for each in ("rclone", "curl") if which(each) is None]

    def version(self) -> str:
        """Of rclone."""
        return subprocess.run(["rclone", "version"], capture_output=True, text=True, check=True).stdout.split()[1]

    def stock(self, versions: Versions, folder: Path) -> None:
        """Each version as one object."""
        swift_stock.upload_images(folder, versions)

    def serve(self, site: Site) -> AbstractContextManager[None]:
        """The Swift."""
        return swift_stock.in_network(site)

    def prepare(self, site: Site, host: str) -> None:
        """Nothing: it copies whole files."""

    def job(self, site: Site, host: str) -> Job:
        """A copy."""
        output = site.host_folder(host) / NAME
        signing = swift_stock.account(site, {"ST_USER": USER, "ST_KEY": KEY})
        settings = {"TYPE": "swift", "AUTH": signing["ST_AUTH"], "USER": USER, "KEY": KEY, "AUTH_VERSION": "1"}
        remote = {f"RCLONE_CONFIG_BENCH_{name}": value for name, value in settings.items()}
        copy = [
            "rclone",
            "copyto",
            f"bench:{swift_stock.PLAIN}/{swift_stock.plain_name(site.payload.version)}",
            str(output),
        ]
        streams = ["--multi-thread-streams", "4", "--multi-thread-cutoff", "16M", "--retries", "5"]
        return Job([*copy, *streams], {**signing, **remote, "RCLONE_CONFIG": "/dev/null"}, output)


CONTENDER = ObjectStorage()
