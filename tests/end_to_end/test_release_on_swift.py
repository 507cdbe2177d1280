"""The main job on real parts: three versions of a real image, a real Swift, four hosts that trade.

Bytes are counted at the store. One test, because each step is the next one's beginning.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dcdist import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.lab.swift import Swift

MIB = 1024 * 1024
HOSTS = 4


@dataclass(frozen=True)
class Place:
    """One publisher's and several hosts' world."""

    url: str
    container: str
    folder: Path
    environment: dict[str, str]
    swift: Swift

    def dcdist(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "dcdist", *map(str, arguments), "--store", self.url, "--json"]

    def publish(self, version: int, image: Path) -> dict[str, object]:
        command = self.dcdist("publish", f"demo@{version}", image, "--key", self.folder / "keys" / "publisher.key")
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, text=True, check=True)
        last: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
        return last

    def fetch_together(self, version: int, *options: str) -> list[dict[str, object]]:
        """All hosts fetch at once; the last line of each."""
        commands = [
            self.dcdist(
                "fetch",
                f"demo@{version}",
                "--trust",
                self.folder / "keys" / "publisher.pub",
                "--dest",
                self.dest(host),
                "--cache",
                self.folder / f"cache{host}",
                "--listen",
                "127.0.0.1:0",
                *options,
            )
            for host in range(HOSTS)
        ]
        running = [
            subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) for command in commands
        ]
        outputs = [process.communicate()[0] for process in running]
        assert [process.returncode for process in running] == [0] * HOSTS
        return [json.loads(output.splitlines()[-1]) for output in outputs]

    def dest(self, host: int) -> Path:
        return self.folder / f"dest{host}"

    def payload_sent(self) -> int:
        return self.swift.sent_bytes(f"{self.container}/release/layers/")


@pytest.fixture
def place(swift: Swift, container: str, tmp_path: Path) -> Place:
    environment = {**os.environ, **swift.environment}
    keygen = [sys.executable, "-m", "dcdist", "keygen", "--out", str(tmp_path / "keys")]
    subprocess.run(keygen, check=True, stdout=subprocess.DEVNULL)
    return Place(f"swift://{container}/release", container, tmp_path, environment, swift)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stored_bytes(place: Place) -> int:
    async def count() -> int:
        async with open_store(place.url, environment=place.environment) as store:
            listing = await store.list("")
            return sum(entry.size for entry in listing.entries if not entry.key.startswith("swarm/"))

    return asyncio.run(count())


def layer_bytes(place: Place, release: str) -> int:
    shown = subprocess.run(place.dcdist("show", release), env=place.environment, stdout=subprocess.PIPE, check=True)
    described = json.loads(shown.stdout.splitlines()[-1])
    return sum(int(layer["bytes"]) for layer in described["layers"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_four_hosts_fetch_a_release_cold_and_then_its_update(
    place: Place, real_images: list[Path], record_property: Callable[[str, object], None]
) -> None:
    place.publish(1, real_images[0])
    before = place.payload_sent()
    # 15 s of seeding: whoever is done first must still give to the others.
    options = ("--store-rate", "2MB", "--prefer", "egress", "--seed-for", "15s")
    fetched = place.fetch_together(1, *options)

    wanted = sha256(real_images[0])
    assert [sha256(place.dest(host) / "v1.xva") for host in range(HOSTS)] == [wanted] * HOSTS
    assert all(report["event"] == "fetched" and report["release"] == "demo@1" for report in fetched)
    layers = layer_bytes(place, "demo@1")
    copies = (place.payload_sent() - before) / layers
    record_property("copies", copies)
    record_property("cold", [report["seconds"] for report in fetched])
    assert 1.0 <= copies <= 1.25

    for version in (2, 3):
        place.publish(version, real_images[version - 1])
    stored = stored_bytes(place)
    record_property("stored", stored / MIB)
    assert stored <= 103 * MIB

    before = place.payload_sent()
    updated = place.fetch_together(2, "--seed-for", "15s")
    wanted = sha256(real_images[1])
    assert [sha256(place.dest(host) / "v2.xva") for host in range(HOSTS)] == [wanted] * HOSTS
    record_property("updates", [report["bytes"] for report in updated])
    for report in updated:
        counted = report["bytes"]
        assert isinstance(counted, dict)
        assert counted["store"] + counted["peers"] <= 30 * MIB
        assert counted["reused"] == layers
