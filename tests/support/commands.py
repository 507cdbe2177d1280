"""Runs the real command line as processes, on a store in a directory with two small releases."""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
_LIMIT = 60.0
"""Seconds that a command may take."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[Record]:
        """Standard output of `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]

    def last(self, event: str) -> Record:
        """The last record, which is of that event."""
        assert self.records[-1]["event"] == event, self.out
        return self.records[-1]


def dcdist(
    *arguments: object, stdin: bytes = b"", environment: dict[str, str] | None = None, wrapper: Sequence[str] = ()
) -> Done:
    """Run `python -m dcdist` to its end; `wrapper` are the words of a command that runs it."""
    done = subprocess.run(
        [*wrapper, sys.executable, "-m", "dcdist", *map(str, arguments)],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        timeout=_LIMIT,
        env=_environment(environment),
        check=False,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def running(*arguments: object, wrapper: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """`python -m dcdist` while it runs; killed at the end if it still does. `wrapper`: as of `dcdist`."""
    process = subprocess.Popen(
        [*wrapper, sys.executable, "-m", "dcdist", *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(None),
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], event: str, **values: object) -> Record:
    """Read the records of `--json` until one is of that event and has these values."""
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        record: Record = json.loads(line)
        seen.append(record)
        if record["event"] == event and values.items() <= record.items():
            return record
    raise AssertionError(f"ended without {event}: {seen}")


def is_alive(pid: int) -> bool:
    """Whether a process runs, whoever's it is; one that ended and was not waited for does not."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_end(pid: int) -> None:
    """Wait until a process has ended that is no child of this one."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], _LIMIT)[0], f"process {pid} does not end"
    finally:
        os.close(descriptor)


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCDIST_", "ST_", "OS_"))}
    return {**kept, **(more or {})}


@dataclass(frozen=True)
class Demo:
    """A store with `web@1` and `web@2`: two images that share one, and metadata."""

    folder: Path
    images: dict[str, dict[str, bytes]]

    @property
    def store(self) -> str:
        """Its URL."""
        return (self.folder / "store").as_uri()

    @property
    def key(self) -> Path:
        """The publisher's private key."""
        return self.folder / "keys" / "publisher.key"

    @property
    def trust(self) -> Path:
        """The publisher's public key."""
        return self.folder / "keys" / "publisher.pub"

    def fetch(self, wanted: str, host: Path, *more: str | Path) -> list[str | Path]:
        """The arguments of a fetch to a host's folder, without a swarm unless `more` says something of it."""
        alone = [] if {"--listen", "--peer"} & set(more) else ["--no-swarm"]
        where: list[str | Path] = ["--dest", host / "images", "--cache", host / "cache"]
        return ["fetch", wanted, "--store", self.store, "--trust", self.trust, *where, "--json", *alone, *more]

    def verify(self, release: str, host: Path) -> list[str | Path]:
        """The arguments of a verification."""
        return ["verify", release, "--store", self.store, "--trust", self.trust, "--dest", host / "images", "--json"]


def image_bytes(seed: int, length: int) -> bytes:
    """Bytes that neither pack nor repeat, with 300,000 zeros at the end."""
    return random.Random(seed).randbytes(length) + bytes(300_000)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The store, made by the commands themselves."""
    folder = tmp_path_factory.mktemp("demo")
    made = Demo(
        folder,
        {
            "web@1": {"web.img": image_bytes(1, 1_000_000), "db.img": image_bytes(2, 3_000_000)},
            "web@2": {"web.img": image_bytes(3, 1_000_000), "db.img": image_bytes(2, 3_000_000)},
        },
    )
    metadata = folder / "metadata" / "net"
    metadata.mkdir(parents=True)
    (metadata.parent / "order.json").write_text('["db", "web"]')
    (metadata / "plan.txt").write_text("vlan 7")
    (metadata / "plan.txt").chmod(0o755)
    assert dcdist("keygen", "--out", folder / "keys").code == 0
    for name, images in made.images.items():
        files = []
        for file, content in images.items():
            (folder / name).mkdir(exist_ok=True)
            (folder / name / file).write_bytes(content)
            files.append(folder / name / file)
        done = dcdist(
            "publish", name, *files, "--store", made.store, "--key", made.key, "--metadata", metadata.parent,
            "--level", "1", "--json",
        )  # fmt: skip
        assert done.code == 0, done
    return made
