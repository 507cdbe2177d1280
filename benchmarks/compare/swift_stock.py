"""One Swift for all contenders that draw from object storage: filled once on loopback, started again for each race.

`bench` holds dcdist's releases, and needs an account; `plain` holds plain objects that anybody may read.

    upload_plain(stock, {"name": file})     # untimed; or upload_images, publish: both versions, once
    with in_network(site):                  # on the store's host, with what was put into the stock
        plain_url(site, "name")             # where hosts find it, without signing in; account(site, …) signs in
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.compare.payload import NAME
from benchmarks.compare.scenarios import STORE
from benchmarks.contenders import environment
from benchmarks.measure import PROJECT, BenchmarkError
from benchmarks.objects import sign_in
from tools.lab.swift import Swift, SwiftError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from benchmarks.compare.contender import Site, Versions

PORT = 18080
RELEASES = "swift://bench/dcdist"
PLAIN = "plain"
_FOLDER = "swift"


def release(number: int) -> str:
    """The name of a version of the payload."""
    return f"bench@{number}"


def trust(stock: Path) -> Path:
    """The publisher's public key."""
    return stock / "keys/publisher.pub"


@contextmanager
def on_loopback(stock: Path) -> Iterator[Swift]:
    """The Swift, for whoever fills it."""
    with Swift(stock / _FOLDER) as swift:
        yield swift


@contextmanager
def in_network(site: Site) -> Iterator[None]:
    """The Swift, on the store's host.

    Raises:
        BenchmarkError: It did not start.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(Swift(site.stock / _FOLDER, PORT, "0.0.0.0", wrapper=site.network.command(STORE)))
        except SwiftError as fault:
            raise BenchmarkError(str(fault)) from fault
        yield


def account(site: Site, swift_environment: Mapping[str, str]) -> dict[str, str]:
    """How a host signs in; `swift_environment` has user and key."""
    return environment({**swift_environment, "ST_AUTH": f"http://{site.store_address}:{PORT}/auth/v1.0"})


def plain_name(version: int) -> str:
    """The name of a version as a plain object."""
    return f"{version}/{NAME}"


def upload_images(stock: Path, versions: Versions) -> None:
    """Store both versions as plain objects, once.

    Raises:
        BenchmarkError: It failed.
    """
    done = stock / "plain-images"
    if not done.exists():
        upload_plain(stock, {plain_name(1): versions.first, plain_name(2): versions.second})
        done.touch()


def plain_url(site: Site, name: str) -> str:
    """Where anybody finds a plain object."""
    return f"http://{site.store_address}:{PORT}/v1/AUTH_test/{PLAIN}/{name}"


def publish(stock: Path, versions: Versions) -> None:
    """Publish both versions, once.

    Raises:
        BenchmarkError: It failed.
    """
    done = stock / "releases"
    if done.exists():
        return
    with on_loopback(stock) as swift:
        dcdist = (sys.executable, "-m", "dcdist")
        surroundings = environment(swift.environment)
        if not trust(stock).exists():
            _run([*dcdist, "keygen", "--out", str(trust(stock).parent)], surroundings)
        key = str(trust(stock).with_suffix(".key"))
        for number, image in ((1, versions.first), (2, versions.second)):
            where = ["--store", RELEASES, "--key", key]
            _run([*dcdist, "publish", release(number), str(image), *where], surroundings)
    done.touch()


def upload_plain(stock: Path, files: Mapping[str, Path]) -> None:
    """Put files into the public container, by name; what is there already stays.

    Raises:
        BenchmarkError: It failed.
    """
    with on_loopback(stock) as swift:
        signed = sign_in(*(swift.environment[name] for name in ("ST_AUTH", "ST_USER", "ST_KEY")))
        if urlsplit(signed.storage_url).path != "/v1/AUTH_test":
            raise BenchmarkError(f"Swift has another account: {signed.storage_url}")
        token = ["-H", f"X-Auth-Token: {signed.token}"]
        container = f"{signed.storage_url}/{PLAIN}"
        quiet = ["curl", "-sS", "--fail", "--noproxy", "*", *token]
        _run([*quiet, "-X", "PUT", "-H", "X-Container-Read: .r:*,.rlistings", container], environment())
        for name, file in files.items():
            _run([*quiet, "-T", str(file), f"{container}/{name}"], environment())


def _run(command: list[str], surroundings: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=PROJECT, env=dict(surroundings), capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
