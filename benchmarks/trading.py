"""One host draws a release from one other on loopback, next to a bare libtorrent pair that moves the same bytes.

The bytes are those of the release's layers. dcdist also makes the image of them, which a bare client does not.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks import report
from benchmarks.compare import torrent
from benchmarks.contenders import RELEASE, environment
from benchmarks.measure import PROJECT, BenchmarkError, Command, Measurement, measure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASELINE = "libtorrent"
LINK = "peers, loopback"


def compare(image: Path, scratch: Path, rounds: int) -> tuple[list[report.Run], int]:
    """All rounds, in turns; and the bytes that each moves.

    Raises:
        BenchmarkError: A client failed.
    """
    store, key = _publish(image, scratch)
    seeder = scratch / "seeder"
    fetch = [
        *_fetch(store, key),
        "--dest",
        str(scratch / "first"),
        "--cache",
        str(seeder),
        "--no-swarm",
        "--seed-for",
        "0",
    ]
    _run(fetch)
    layers = sorted((seeder / "layers").glob("*/data"))
    runs = []
    for number in range(rounds):
        turns = [("dcdist", _dcdist), (BASELINE, _libtorrent)]
        for name, once in turns if number % 2 == 0 else reversed(turns):
            place = scratch / "taker"
            place.mkdir()
            measured = once(scratch, place, layers)
            shutil.rmtree(place)
            runs.append(report.Run(name, LINK, number, measured))
            print(f"{LINK} round {number + 1}: {name} {measured.seconds:.2f} s", file=sys.stderr)
    return runs, sum(layer.stat().st_size for layer in layers)


def _dcdist(scratch: Path, place: Path, layers: list[Path]) -> Measurement:
    del layers
    store, key = (scratch / "store").as_uri(), scratch / "keys/publisher.pub"
    port = _free_port()
    seed = [sys.executable, "-m", "dcdist", "seed", RELEASE, "--store", store, "--trust", str(key), "--json"]
    with _serving([*seed, "--cache", str(scratch / "seeder"), "--listen", f"127.0.0.1:{port}"]):
        peers = ["--no-store", "--peer", f"127.0.0.1:{port}", "--listen", "127.0.0.1:0", "--seed-for", "0"]
        command = [*_fetch(store, key), "--dest", str(place / "images"), "--cache", str(place / "cache"), *peers]
        return measure(Command(command, environment(), place), sync=place, log=scratch / "client.log")


def _libtorrent(scratch: Path, place: Path, layers: list[Path]) -> Measurement:
    port = _free_port()
    client = [sys.executable, "-m", "benchmarks.compare.torrent_client"]
    # A layer is one torrent; the largest stands for all, since a pair moves them one after the other.
    (layer,) = layers
    made = torrent.make(layer, scratch / "torrent", tracker="http://127.0.0.1:9/announce")
    with _serving([*client, str(made.file), str(layer.parent), f"127.0.0.1:{port}"]):
        command = [*client, str(made.file), str(place), "127.0.0.1:0", f"127.0.0.1:{port}"]
        return measure(Command(command, environment(), place), sync=place, log=scratch / "client.log")


def _publish(image: Path, scratch: Path) -> tuple[str, Path]:
    store, keys = (scratch / "store").as_uri(), scratch / "keys"
    dcdist = [sys.executable, "-m", "dcdist"]
    _run([*dcdist, "keygen", "--out", str(keys)])
    _run([*dcdist, "publish", RELEASE, str(image), "--store", store, "--key", str(keys / "publisher.key")])
    return store, keys / "publisher.pub"


def _fetch(store: str, key: Path) -> list[str]:
    return [sys.executable, "-m", "dcdist", "fetch", RELEASE, "--store", store, "--trust", str(key), "--json"]


@contextmanager
def _serving(command: list[str]) -> Iterator[None]:
    """A process that says a line when it is ready, and is ended after the block."""
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            if not process.stdout.readline():
                raise BenchmarkError(f"{' '.join(command)} ended before it served")
            yield
        finally:
            process.terminate()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=PROJECT, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
