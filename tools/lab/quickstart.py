"""The main job on this machine alone: several hosts fetch a release from a store and from each other, then an update.

The store is a directory; the hosts are processes on loopback, each with its own folders; the image is a disk full of
this machine's own files. The store gives each host few bytes a second, as one that serves many does: the rest is for
the hosts to trade. Needs neither root nor a network.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.lab import real_files
from tools.lab.digest import digest_of
from tools.lab.sizes import parse_size
from tools.lab.xva_writer import write_xva

if TYPE_CHECKING:
    from collections.abc import Sequence

PROJECT = Path(__file__).resolve().parents[2]
DEMO = "quickstart"
HOSTS = 4
DISK = "384MiB"
IMAGE = "machine.xva"
STORE_RATE = "4MB"
CHANGED_ONE_IN = 2000  # blocks
SECONDS_TO_END = 20.0


class QuickstartError(Exception):
    """A step failed; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one host said at the end."""

    host: str
    seconds: float
    image: int
    store: int
    peers: int
    reused: int


class Quickstart:
    """One directory with the store, the keys, the images and the hosts."""

    def __init__(self, directory: Path, hosts: int) -> None:
        directory.mkdir(exist_ok=True)
        self._directory = directory
        self._hosts = [f"host {number + 1}" for number in range(hosts)]
        self._store = f"file://{directory / 'store'}"
        self._keys = directory / "keys"

    def make_keys(self) -> None:
        """The publisher's key pair."""
        self._run("keygen", "--out", str(self._keys))

    def publish(self, version: int, image: Path) -> dict[str, int]:
        """Publish an image with a start order as metadata; what was new."""
        metadata = self._directory / "metadata"
        metadata.mkdir(exist_ok=True)
        (metadata / "start-order.txt").write_text(f"{IMAGE}\n")
        key = self._keys / "publisher.key"
        release = f"{DEMO}@{version}"
        said = self._run(
            "publish", release, str(image), "--key", str(key), "--metadata", str(metadata), *self._of_store
        )
        return dict(said[-1]["bytes"])

    def copied_to(self, directory: Path) -> Quickstart:
        """The same store, which no host has used yet, and keys in a new directory, with hosts that hold nothing."""
        copy = Quickstart(directory, len(self._hosts))
        for name in ("store", "keys"):
            shutil.copytree(self._directory / name, directory / name)
        return copy

    def fetch(self, version: int, digest: str) -> list[Fetched]:
        """All hosts fetch a version at the same time; checked.

        Raises:
            QuickstartError: A fetch failed, or an image is not the one that was published.
        """
        with ExitStack() as stack:
            running = [(host, stack.enter_context(self._fetching(host, version))) for host in self._hosts]
            codes = [process.wait() for _, process in running]
            said = {host: self._said(host, version) for host in self._hosts}
            end_seeding(
                [process for lines in said.values() for line in lines if isinstance(process := line.get("pid"), int)]
            )
        for (host, _), code in zip(running, codes, strict=True):
            if code:
                raise QuickstartError(f"{host}: {said[host][-1:]} {self._log(host, version, 'err').read_text()}")
            if digest_of(self._directory / host / "images" / IMAGE) != digest:
                raise QuickstartError(f"{host} has another image than was published")
        return [fetched_of(host, lines[-1]) for host, lines in said.items()]

    @property
    def _of_store(self) -> tuple[str, ...]:
        return ("--store", self._store)

    def _fetching(self, host: str, version: int) -> Fetching:
        place = self._directory / host
        place.mkdir(exist_ok=True)
        options = ["--trust", str(self._keys / "publisher.pub"), "--dest", str(place / "images")]
        options += ["--cache", str(place / "cache"), "--listen", "127.0.0.1:0"]
        options += ["--store-rate", STORE_RATE, "--seed-for", "60s"]
        command = command_of("fetch", f"{DEMO}@{version}", *self._of_store, *options)
        return Fetching(command, self._log(host, version, "out"), self._log(host, version, "err"))

    def _log(self, host: str, version: int, kind: str) -> Path:
        return self._directory / host / f"fetch-{version}.{kind}"

    def _said(self, host: str, version: int) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._log(host, version, "out").read_text().splitlines()]

    def _run(self, *arguments: str) -> list[dict[str, dict[str, int]]]:
        done = subprocess.run(command_of(*arguments), cwd=PROJECT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise QuickstartError(f"dcdist {arguments[0]} failed ({done.returncode}): {done.stdout}{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]


class Fetching:
    """A running fetch; ended with the block, if it has not ended."""

    def __init__(self, command: list[str], out: Path, err: Path) -> None:
        self._command, self._out, self._err = command, out, err

    def __enter__(self) -> subprocess.Popen[bytes]:
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(self._command, cwd=PROJECT, stdout=out, stderr=err)
        return self._process

    def __exit__(self, *fault: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def command_of(*arguments: str) -> list[str]:
    """A dcdist command that prints JSON."""
    return [sys.executable, "-m", "dcdist", *arguments, "--json"]


def end_seeding(processes: Sequence[int]) -> None:
    """End the processes that go on giving to other hosts, and wait until they have ended."""
    for process in processes:
        with suppress(ProcessLookupError):
            handle = os.pidfd_open(process)
            try:
                os.kill(process, signal.SIGTERM)
                if not select.select([handle], [], [], SECONDS_TO_END)[0]:
                    raise QuickstartError(f"process {process} goes on seeding though it was asked to end")
            finally:
                os.close(handle)


def fetched_of(host: str, last: dict[str, object]) -> Fetched:
    """A host's last line, as a value.

    Raises:
        QuickstartError: It says something else.
    """
    match last:
        case {
            "event": "fetched",
            "seconds": float(seconds),
            "bytes": {"images": int(image), "store": int(store), "peers": int(peers), "reused": int(reused)},
        }:
            return Fetched(host, seconds, image, store, peers, reused)
        case _:
            raise QuickstartError(f"{host} ended with {last}")


def make_images(directory: Path, size: int) -> tuple[Path, Path]:
    """Two versions of one disk of `size` bytes, the second changed in place from the first, as XVA."""
    files = real_files.real_files()
    disk = directory / "disk.raw"
    images = []
    filled = real_files.write_disk(disk, files, size)
    for version in (1, 2):
        if version == 2:
            real_files.change_disk(disk, files, filled, more=size // 16, every=CHANGED_ONE_IN)
        image = directory / f"version-{version}" / IMAGE
        image.parent.mkdir()
        with image.open("xb") as out:
            write_xva(out, "machine", [disk])
        images.append(image)
    disk.unlink()
    return images[0], images[1]


def megabytes(count: int) -> str:
    """Bytes for people."""
    return f"{count / 1e6:.1f} MB"


def copies_sent(hosts: Sequence[Fetched], layers: int) -> float:
    """Copies of `layers` bytes that left the store for these hosts; 0 if there was nothing to send."""
    return sum(host.store for host in hosts) / layers if layers else 0.0


def show(hosts: Sequence[Fetched], layers: int) -> None:
    """Who got how much from where; `layers` is what one host must move."""
    print(f"  {'':8}{'seconds':>9}{'image':>12}{'store':>12}{'peers':>12}{'had before':>12}")
    for host in hosts:
        columns = "".join(f"{megabytes(each):>12}" for each in (host.image, host.store, host.peers, host.reused))
        print(f"  {host.host:8}{host.seconds:>9.1f}{columns}")
    store = megabytes(sum(host.store for host in hosts))
    copies = f"{copies_sent(hosts, layers):.2f} copies for {len(hosts)} hosts"
    print(f"  the store sent {store}: {copies}, every image identical\n")


def run(directory: Path, hosts: int, size: int) -> None:
    """All steps, with what each did.

    Raises:
        QuickstartError: One failed.
    """
    begun = time.monotonic()
    print("making an image of this machine's own files, and a second version of it")
    images = make_images(directory, size)
    place = Quickstart(directory, hosts)
    place.make_keys()
    for version, image in enumerate(images, start=1):
        told = place.publish(version, image)
        name = f"{DEMO}@{version}"
        print(
            f"{name}: published {megabytes(told['images'])} of image; {megabytes(told['uploaded'])} went to the store"
        )
        new = told["uploaded"]
        print(f"{name}: {hosts} hosts fetch it together; the store gives each {STORE_RATE} a second")
        show(place.fetch(version, digest_of(image)), new)
    print(f"done in {time.monotonic() - begun:.0f} s; README.md shows the commands for images of your own")


def main() -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(prog="tools/quickstart", description=__doc__)
    parser.add_argument("--hosts", type=int, default=HOSTS, help="how many (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, default=parse_size(DISK), help=f"of the disk (default: {DISK})")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="work in this new directory, and keep it")
    options = parser.parse_args()
    with ExitStack() as stack:
        if options.keep:
            options.keep.mkdir(parents=True)
            directory = options.keep.resolve()
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="dcdist-quickstart-")))
        try:
            run(directory, options.hosts, options.size)
        except QuickstartError as fault:
            print(f"tools/quickstart: {fault}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("tools/quickstart: interrupted", file=sys.stderr)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
