"""One host: dcdist next to other programs that do the same, in one run, as ratios.

fetch: one image from the same Swift, store only. peers: the same layers from one other host, next to a bare libtorrent
pair. publish: next to `zstd -T0` and `sha256sum`.

Each client fetches the image again and again, in turns, over bare loopback and over a link shaped to a rate, into an
empty directory and with an empty cache; the image and its directory are synced within the measured time, and its
SHA-256 is checked after it. CPU and memory are those of the client and all processes it starts, not the server's.
Memory is the peak PSS of the process tree, looked at every 50 ms, and the same without pages of mapped files.

Store and destination are on one real disk, not in memory: a host has a disk, and the sync is part of the job.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import machine, objects, publishing, report, trading
from benchmarks.contenders import (
    BASELINE,
    CONTENDERS,
    RELEASE,
    ZSTD_LEVEL,
    Contender,
    Source,
    dcdist_environment,
    version_of,
)
from benchmarks.measure import PROJECT, BenchmarkError, Measurement, measure
from tools.lab.digest import digest_of
from tools.lab.network import Link, Network, NetworkError
from tools.lab.sizes import parse_size
from tools.lab.swift import Swift, SwiftError

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMMARY = "one host: fetch next to curl, rclone and aria2; trade next to libtorrent; publish next to zstd"
PARTS = ("fetch", "peers", "publish")
CONTAINER = "benchmark"
LOOPBACK = "loopback"


@dataclass(frozen=True, slots=True)
class Route:
    """One way to the store: its name, the source as seen that way, and what puts a client there."""

    name: str
    source: Source
    prefix: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--image", type=Path, help="an XVA (default: v1.xva of tools/make_images with --size)")
    parser.add_argument("--size", type=parse_size, default=parse_size("1GiB"), help="of that image (default: 1GiB)")
    parser.add_argument("--parts", default=",".join(PARTS), help="which, with commas between (default: %(default)s)")
    parser.add_argument("--repeat", type=int, default=3, help="rounds (default: %(default)s)")
    parser.add_argument("--link", default="1gbit", help="rate of the shaped link, or none (default: %(default)s)")
    parser.add_argument("--only", action="append", choices=[each.name for each in CONTENDERS], help="these clients")
    parser.add_argument("--dir", type=Path, default=PROJECT / "build", help="where all happens (default: build)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")


def run(options: argparse.Namespace) -> int:
    """Run it, print the table.

    Raises:
        BenchmarkError: A client failed or brought other bytes; no root for a shaped link.
    """
    image = options.image or make_image(options.dir, options.size)
    parts = options.parts.split(",")
    if set(parts) - set(PARTS):
        raise BenchmarkError(
            f"there is no part {', '.join(sorted(set(parts) - set(PARTS)))}; there are {', '.join(PARTS)}"
        )
    options.dir.mkdir(parents=True, exist_ok=True)
    size = image.stat().st_size
    about: dict[str, object] = {"benchmark": "host", "image": {"name": image.name, "size": size}}
    runs: list[report.Run] = []
    found: list[report.Row] = []
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=options.dir) as scratch:
        about["machine"] = machine.facts(Path(scratch))
        if "fetch" in parts:
            fetched, about["versions"] = _fetch(options, image, Path(scratch))
            runs += fetched
            found += report.rows(fetched, size=size, baseline=BASELINE)
        if "peers" in parts:
            traded, moved = trading.compare(image, _folder(scratch, "peers"), options.repeat)
            runs += traded
            found += report.rows(traded, size=moved, baseline=trading.BASELINE)
        if "publish" in parts:
            published = publishing.compare(image, _folder(scratch, "publish"), options.repeat)
            runs += published
            found += report.rows(published, size=size, baseline=publishing.BASELINE)
    show(about, found)
    if options.json:
        report.write_json(options.json, about=about, runs=runs, found=found)
    return 0


def _fetch(options: argparse.Namespace, image: Path, scratch: Path) -> tuple[list[report.Run], dict[str, str | None]]:
    chosen = [each for each in CONTENDERS if not options.only or each.name in options.only]
    versions = {each.name: version_of(each) for each in chosen}
    for name, version in versions.items():
        if version is None:
            print(f"{name} is not installed and left out", file=sys.stderr)
    present = [each for each in chosen if versions[each.name] is not None]
    with ExitStack() as stack:
        try:
            routes = prepare(stack, scratch, image, options.link)
        except NetworkError as fault:
            raise BenchmarkError(f"{fault}; without root, use --link none") from fault
        except SwiftError as fault:
            raise BenchmarkError(str(fault)) from fault
        return compare(present, routes, image, scratch, options.repeat), versions


def _folder(scratch: str, name: str) -> Path:
    place = Path(scratch, name)
    place.mkdir()
    return place


def show(about: Mapping[str, object], found: list[report.Row]) -> None:
    """The facts and the table."""
    for name, value in about.items():
        text = ", ".join(f"{key}: {each}" for key, each in value.items()) if isinstance(value, dict) else value
        print(f"{name}: {text}")
    print(f"\nmedian (least-most) of the rounds; curl|zstd: the whole image by zstd -{ZSTD_LEVEL}\n")
    print(report.table(found))


def make_image(directory: Path, size: int) -> Path:
    """The real image of at least `size` bytes; built once.

    Raises:
        BenchmarkError: It cannot be built.
    """
    place = directory / f"images-{size}"
    image = place / "v1.xva"
    command = [str(PROJECT / "tools/make_images"), "--versions", "1", "--size", str(size), "--out", str(place)]
    if not image.exists() and subprocess.run(command, check=False).returncode:
        raise BenchmarkError("no image; give one with --image FILE")
    return image


def prepare(stack: ExitStack, scratch: Path, image: Path, rate: str) -> list[Route]:
    """A network and a Swift that holds the image in every form; the ways to it."""
    network = None
    bind = "127.0.0.1"
    if rate != "none":
        link = Link.of(rate)
        network = stack.enter_context(Network({"store": link, "host": link}, segments=16))
        stack.enter_context(network.entered("store"))
        bind = "0.0.0.0"  # of the namespace, which has no way out
    swift = stack.enter_context(Swift(scratch / "swift", 0, bind))
    local = source_at("127.0.0.1", swift, scratch, image)
    fill(local, image, scratch)
    # This process and with it the loopback clients are where the store is.
    routes = [Route(LOOPBACK, local, ())]
    if network is not None:
        there = source_at(network.address("store"), swift, scratch, image)
        routes.append(Route(rate, there, tuple(network.command("host"))))
    return routes


def source_at(address: str, swift: Swift, scratch: Path, image: Path) -> Source:
    """The source as seen by those who know the store by that address."""
    signing = swift.environment
    account = objects.sign_in(signing["ST_AUTH"], signing["ST_USER"], signing["ST_KEY"])
    return Source(
        auth_url=signing["ST_AUTH"].replace("127.0.0.1", address),
        storage_url=account.storage_url.replace("127.0.0.1", address),
        token=account.token,
        user=signing["ST_USER"],
        key=signing["ST_KEY"],
        container=CONTAINER,
        plain=image.name,
        compressed=f"{image.name}.zst",
        prefix="dcdist",
        image=image.name,
        trust=scratch / "keys/publisher.pub",
    )


def fill(source: Source, image: Path, scratch: Path) -> None:
    """Put the image into the store: plain, compressed whole, and as a release."""
    account = objects.Account(source.storage_url, source.token)
    objects.make_container(account, source.container)
    print("storing the image: plain, compressed, as a release", file=sys.stderr)
    objects.upload(account, source.container, source.plain, image)
    packed = scratch / source.compressed
    _prepare("zstd", f"-{ZSTD_LEVEL}", "-T0", "-q", str(image), "-o", str(packed), source=source)
    objects.upload(account, source.container, source.compressed, packed)
    packed.unlink()
    dcdist = (sys.executable, "-m", "dcdist")
    key = source.trust.with_suffix(".key")
    _prepare(*dcdist, "keygen", "--out", str(source.trust.parent), source=source)
    _prepare(*dcdist, "publish", RELEASE, str(image), "--store", source.store, "--key", str(key), source=source)


def compare(
    contenders: list[Contender], routes: list[Route], image: Path, scratch: Path, rounds: int
) -> list[report.Run]:
    """All rounds of all clients over all routes, in turns: what disturbs one disturbs all.

    Raises:
        BenchmarkError: A client failed or brought other bytes.
    """
    expected = digest_of(image)
    runs = []
    for route in routes:
        for number in range(rounds):
            turn = number % len(contenders)
            for contender in contenders[turn:] + contenders[:turn]:
                one = run_once(contender, route, scratch, expected)
                runs.append(report.Run(contender.name, route.name, number, one))
                print(f"{route.name} round {number + 1}: {contender.name} {one.seconds:.2f} s", file=sys.stderr)
    return runs


def run_once(contender: Contender, route: Route, scratch: Path, expected: str) -> Measurement:
    """One client over one route, into nothing, checked."""
    place = scratch / "client"
    destination, beside = place / "images", place / "cache"
    for directory in (destination, beside):
        directory.mkdir(parents=True)
    subprocess.run(["sync", "--file-system", str(scratch)], check=True)  # what earlier clients left to write
    command = contender.command(route.source, destination, beside)
    measured = measure(command, sync=destination, log=scratch / "client.log", prefix=route.prefix)
    if digest_of(command.output) != expected:
        raise BenchmarkError(f"{contender.name} brought other bytes than were stored")
    shutil.rmtree(place)
    return measured


def _prepare(*command: str, source: Source) -> None:
    done = subprocess.run(
        command, cwd=PROJECT, env=dcdist_environment(source), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
