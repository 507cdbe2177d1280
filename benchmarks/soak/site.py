"""What is fetched in a soak: three versions of a demo in a real Swift, each a quarter new."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.measure import PROJECT, BenchmarkError

if TYPE_CHECKING:
    from pathlib import Path

    from tools.lab.swift import Swift

_BLOCK = 1 << 16
_CHANGED = 4


@dataclass
class Site:
    """The store, the folders, and the digest of the image of each version."""

    swift: Swift
    folder: Path
    versions: tuple[str, ...] = ("1", "2", "3")
    digests: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Of the store."""
        return "swift://soak/demos"

    @property
    def environment(self) -> dict[str, str]:
        """For dcdist."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCDIST_", "ST_", "OS_"))}
        return {**kept, **self.swift.environment, "PYTHONPATH": str(PROJECT)}

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

    @property
    def trust(self) -> Path:
        """The publisher's public key."""
        return self.folder / "keys" / "publisher.pub"

    def _run(self, *command: str) -> None:
        done = subprocess.run(command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{' '.join(command[:4])} failed: {done.stderr.strip()}")
