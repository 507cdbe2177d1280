"""What is fetched in a soak: three versions of a demo in a real Swift, each a quarter new."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import dcdist
from benchmarks.measure import PROJECT, BenchmarkError
from benchmarks.soak.attribution import Injected

if TYPE_CHECKING:
    from tools.lab.swift import Corrupted, Swift

_BLOCK = 1 << 16
_CHANGED = 4
_ACCOUNT = "test"
_WITNESS = Path(__file__).parent / "witness"


@dataclass
class Site:
    """The store, the folders, and of each version the digest of its image and the names of its layers.

    `folder` goes when the soak ends; `kept` is for evidence of what went wrong.
    """

    swift: Swift
    folder: Path
    kept: Path
    versions: tuple[str, ...] = ("1", "2", "3")
    digests: dict[str, str] = field(default_factory=dict)
    layers: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the store."""
        return "swift://soak/demos"

    def environment(self, user: str = "") -> dict[str, str]:
        """For dcdist, as one of the store's users."""
        sign_in = {**self.swift.environment, **({"ST_USER": f"{_ACCOUNT}:{user}"} if user else {})}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCDIST_", "ST_", "OS_"))}
        return {**kept, **sign_in, "PYTHONPATH": str(PROJECT)}

    def watched(self, folder: Path, user: str = "") -> dict[str, str]:
        """For a dcdist of that user that says what it is at when it is asked, in files of `folder`."""
        return {**self.environment(user), "PYTHONPATH": f"{_WITNESS}{os.pathsep}{PROJECT}", "SOAK_WITNESS": str(folder)}

    def command(self, *arguments: str | Path) -> list[str]:
        """A command of dcdist on this store."""
        return [sys.executable, "-m", "dcdist", *map(str, arguments), "--store", self.url]

    def publish(self, size: int, seed: int) -> None:
        """Make and publish all versions.

        Raises:
            BenchmarkError: A publish failed.
        """
        dealer = random.Random(seed)
        keys = self.folder / "keys"
        self._run(sys.executable, "-m", "dcdist", "keygen", "--out", str(keys))
        blocks = [dealer.randbytes(_BLOCK) for _ in range(size // _BLOCK)]
        image = self.folder / "vm.img"
        for version in self.versions:
            image.write_bytes(b"".join(blocks))
            self.digests[version] = hashlib.sha256(image.read_bytes()).hexdigest()
            self._run(
                *self.command("publish", f"demo@{version}", image, "--key", keys / "publisher.key", "--level", "1")
            )
            for place in dealer.sample(range(len(blocks)), len(blocks) // _CHANGED):
                blocks[place] = dealer.randbytes(_BLOCK)
        image.unlink()
        self.layers = asyncio.run(self._layers())

    def injected(self, corrupted: Corrupted) -> Injected:
        """A byte that the store changed, as hosts name its object."""
        _, _, name = corrupted.path.partition("/")
        user = corrupted.user.partition(":")[2]
        return Injected(user, f"swift://soak/{name}", corrupted.offset, corrupted.at)

    @property
    def trust(self) -> Path:
        """The publisher's public key."""
        return self.folder / "keys" / "publisher.pub"

    async def _layers(self) -> dict[str, frozenset[str]]:
        trust = [dcdist.PublicKey.from_pem(self.trust.read_text())]
        async with dcdist.open_store(self.url, environment=self.swift.environment) as store:
            releases = [await dcdist.find_release(store, f"demo@{each}", trust=trust) for each in self.versions]
        return {each.name.version: frozenset(entry.name for entry in each.layers) for each in releases}

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=PROJECT, env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{' '.join(command[:4])} failed: {done.stderr.strip()}")
