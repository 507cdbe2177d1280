"""The clients that are compared: how each is told to bring the same image from the same store."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.measure import PROJECT, Command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

RELEASE = "bench@1"
ZSTD_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Source:
    """Where the image is, as seen from a client, and in which forms.

    `plain` and `compressed` are object names in `container`; `prefix` is the dcdist store's in the same container;
    `image` is the image's file name; `trust` the publisher's public key.
    """

    auth_url: str
    storage_url: str
    token: str
    user: str
    key: str
    container: str
    plain: str
    compressed: str
    prefix: str
    image: str
    trust: Path

    def url(self, name: str) -> str:
        """The URL of an object."""
        return f"{self.storage_url}/{self.container}/{name}"

    @property
    def store(self) -> str:
        """The dcdist store."""
        return f"swift://{self.container}/{self.prefix}"


@dataclass(frozen=True, slots=True)
class Contender:
    """One client: its name, how it is told, and the command that tells its version.

    `command` takes the source, the empty directory for the image, and an empty one for what it keeps beside.
    """

    name: str
    command: Callable[[Source, Path, Path], Command]
    version: tuple[str, ...]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """What every client sees: no proxies, no settings of this machine's user but where programs are."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"HOME": "/nonexistent", "LC_ALL": "C"} | dict(extra or {})


def dcdist_environment(source: Source) -> dict[str, str]:
    """How dcdist signs in."""
    return environment({"ST_AUTH": source.auth_url, "ST_USER": source.user, "ST_KEY": source.key})


def dcdist(source: Source, destination: Path, beside: Path) -> Command:
    """The fetch command, with neither peers nor seeding: manifest, index and layers from the store."""
    arguments = [
        sys.executable,
        "-m",
        "dcdist",
        "fetch",
        RELEASE,
        "--store",
        source.store,
        "--trust",
        str(source.trust),
    ]
    arguments += ["--dest", str(destination), "--cache", str(beside), "--no-swarm", "--seed-for", "0", "--json"]
    return Command(arguments, dcdist_environment(source), destination / source.image)


def curl(source: Source, destination: Path, beside: Path) -> Command:
    """One plain download of the whole image."""
    del beside
    output = destination / source.image
    arguments = ["curl", "-sS", "--fail", "-H", f"X-Auth-Token: {source.token}", "-o", str(output)]
    return Command([*arguments, source.url(source.plain)], environment(), output)


def curl_zstd(source: Source, destination: Path, beside: Path) -> Command:
    """One plain download of the image compressed as a whole, unpacked on the way."""
    del beside
    output = destination / source.image
    script = 'curl -sS --fail -H "X-Auth-Token: $1" "$2" | zstd -dq -o "$3"'
    arguments = ["sh", "-c", script, "sh", source.token, source.url(source.compressed), str(output)]
    return Command(arguments, environment(), output)


def rclone(source: Source, destination: Path, beside: Path) -> Command:
    """Copies as it does by default: several streams, MD5 checked at the end."""
    output = destination / source.image
    settings = {"TYPE": "swift", "AUTH": source.auth_url, "USER": source.user, "KEY": source.key, "AUTH_VERSION": "1"}
    remote = {f"RCLONE_CONFIG_BENCH_{name}": value for name, value in settings.items()}
    origin = f"bench:{source.container}/{source.plain}"
    arguments = ["rclone", "--config", str(beside / "none"), "copyto", origin, str(output)]
    return Command(arguments, environment(remote), output)


def aria2(source: Source, destination: Path, beside: Path) -> Command:
    """Eight connections, each with its part."""
    del beside
    output = destination / source.image
    arguments = ["aria2c", "--no-conf", "--quiet", "-x8", "-s8", "-k1M", "--file-allocation=falloc"]
    arguments += [f"--header=X-Auth-Token: {source.token}", "-d", str(destination), "-o", output.name]
    return Command([*arguments, source.url(source.plain)], environment(), output)


CONTENDERS = (
    Contender("dcdist", dcdist, ("git", "-C", str(PROJECT), "describe", "--always", "--dirty")),
    Contender("curl", curl, ("curl", "--version")),
    Contender("curl|zstd", curl_zstd, ("zstd", "--version")),
    Contender("rclone", rclone, ("rclone", "version")),
    Contender("aria2", aria2, ("aria2c", "--version")),
)
BASELINE = "curl"


def version_of(contender: Contender) -> str | None:
    """The first line of what a client says of its version; None when it is not installed."""
    try:
        done = subprocess.run(contender.version, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return (done.stdout.strip().splitlines() or ["unknown"])[0].split(" (x86")[0].strip("* ")
