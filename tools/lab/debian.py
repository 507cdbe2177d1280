"""Real root file systems of the distribution that runs here, from the mirrors that its own apt uses. Root only.

What is mounted is unmounted on every way out of a `with`; callers run in a mount namespace of their own, which
tools/make_images sees to, so that not even a killed process leaves a mount behind.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EPOCH = "1735689600"  # 2025-01-01: the moment at which all files of a root claim to have been made
FILE_SYSTEM = "11111111-2222-3333-4444-555555555555"
HASH_SEED = "66666666-7777-8888-9999-aaaaaaaaaaaa"
# How to reach the mirrors, of all that apt's configuration says; what to fetch is not this machine's choice.
REACHING = ("http", "https", "Check-Valid-Until", "Check-Date", "Retries", "ForceIPv4", "ForceIPv6")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
LISTS = "/mnt"  # of apt, inside a root: in memory
UNMOUNT_SECONDS = 20.0


class BuildError(Exception):
    """A step failed; the message has its last words."""


@dataclass(frozen=True, slots=True)
class Root:
    """A root directory that programs can run in."""

    path: Path

    def run(self, *command: str) -> None:
        """Run a command inside.

        Raises:
            BuildError: It failed.
        """
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C"}
        environment |= {"DEBIAN_FRONTEND": "noninteractive", "SOURCE_DATE_EPOCH": EPOCH}
        environment |= {name: os.environ[name] for name in PROXIES if name in os.environ}
        run(["chroot", str(self.path), *command], environment=environment)

    def install(self, *packages: str) -> None:
        """Install packages and what they depend on.

        The archives are written to the disk and deleted, as on any system: their blocks stay. Lists and caches of
        lists are in memory, in LISTS; otherwise it would depend on the kernel's moods whether their blocks stay too.
        """
        options = [f"Dir::State::lists={LISTS}", "Dir::Cache::pkgcache=", "Dir::Cache::srcpkgcache="]
        options += ["Acquire::GzipIndexes=true", "Acquire::Languages=none"]
        apt = ["apt-get", "-q", "-y", *(word for option in options for word in ("-o", option))]
        self.run(*apt, "update")
        self.run(*apt, "--no-install-recommends", "install", *packages)
        run(["sync", "--file-system", str(self.path)])
        self.run(*apt, "clean")

    def empty(self, *directories: str) -> None:
        """Delete what is in these directories."""
        for directory in directories:
            for entry in (self.path / directory).iterdir():
                if entry.is_dir() and not entry.is_symlink():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def used(self) -> int:
        """Bytes that the files take on disk, mounts aside."""
        return int(run(["du", "--summarize", "--one-file-system", "--block-size=1", str(self.path)]).split()[0])


def run(command: Sequence[str], *, environment: dict[str, str] | None = None) -> str:
    """Standard output of a command.

    Raises:
        BuildError: It failed or does not exist.
    """
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise BuildError(f"{command[0]} is not installed") from None
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise BuildError(f"failed ({done.returncode}): {' '.join(command)}\n{tail}")
    return done.stdout


def codename() -> str:
    """The release of the distribution here, such as `bookworm`.

    Raises:
        BuildError: It has none.
    """
    name = platform.freedesktop_os_release().get("VERSION_CODENAME")
    if not name:
        raise BuildError("this system has no code name in /etc/os-release; a Debian-like system is needed")
    return name


def source_files(release: str) -> list[str]:
    """The files in which this machine's apt has its sources of the release.

    Raises:
        BuildError: There are none.
    """
    wanted = "$(RELEASE) $(SOURCESENTRY)"
    listing = run(["apt-get", "indextargets", "--no-release-info", "--format", wanted, "Created-By: Packages"])
    entries = [line.split(" ", 1) for line in listing.splitlines()]
    files = {entry.rpartition(":")[0] for suite, entry in entries if suite.split("-")[0] == release}
    if not files:
        raise BuildError(f"apt of this machine has no sources of {release}")
    return sorted(files)


def reaching_options() -> str:
    """The part of apt's configuration that says how to reach mirrors, as a configuration file."""
    lines = run(["apt-config", "dump", "Acquire"]).splitlines()
    return "\n".join(line for line in lines if line.removeprefix("Acquire::").split(" ")[0].split("::")[0] in REACHING)


def bootstrap(root: Path, scratch: Path) -> None:
    """A minimal root file system in the new directory `root`."""
    release = codename()
    archive, options = scratch / "root.tar", scratch / "apt.conf"
    options.write_text(reaching_options() + "\n")
    command = ["mmdebstrap", "--mode=root", "--variant=minbase", "--include=apt,ca-certificates", f"--aptopt={options}"]
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH}
    run([*command, release, str(archive), *source_files(release)], environment=environment)
    root.mkdir()
    run(["tar", "-C", str(root), "--numeric-owner", "-xpf", str(archive)])
    archive.unlink()


def make_disk(root: Path, disk: Path, size: int) -> None:
    """A raw disk of `size` bytes whose one ext4 file system holds what is in `root`."""
    options = f"hash_seed={HASH_SEED},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0"
    command = ["mke2fs", "-q", "-t", "ext4", "-L", "rootfs", "-U", FILE_SYSTEM, "-E", options, "-d", str(root)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH, "E2FSPROGS_FAKE_TIME": EPOCH}
    with disk.open("xb") as file:
        file.truncate(size)
    run([*command, str(disk)], environment=environment)


@contextmanager
def opened(disk: Path, at: Path) -> Iterator[Root]:
    """The file system on a raw disk, mounted at a directory, ready to run programs in; checked afterwards."""
    with ExitStack() as stack:
        _mount(stack, ["-o", "loop,noatime", str(disk), str(at)], at)
        yield stack.enter_context(inhabited(at))
    run(["e2fsck", "-fn", str(disk)])


@contextmanager
def inhabited(path: Path) -> Iterator[Root]:
    """A root directory with what programs expect around them; services do not start in it."""
    resolver, kept = path / "etc/resolv.conf", path / "etc/resolv.conf.kept"
    policy = path / "usr/sbin/policy-rc.d"
    with ExitStack() as stack:
        _mount(stack, ["--bind", "/dev", str(path / "dev")], path / "dev")
        _mount(stack, ["-t", "proc", "proc", str(path / "proc")], path / "proc")
        _mount(stack, ["-t", "tmpfs", "tmpfs", str(path) + LISTS], Path(str(path) + LISTS))
        Path(str(path) + LISTS, "partial").mkdir()
        if resolver.exists() or resolver.is_symlink():
            resolver.rename(kept)
            stack.callback(kept.replace, resolver)
        else:
            stack.callback(resolver.unlink, missing_ok=True)
        resolver.write_bytes(Path("/etc/resolv.conf").read_bytes())
        stack.callback(policy.unlink, missing_ok=True)
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        yield Root(path)


def _mount(stack: ExitStack, arguments: list[str], at: Path) -> None:
    run(["mount", *arguments])
    stack.callback(_unmount, at)


def _unmount(at: Path) -> None:
    """Unmount; what an interrupted command left running inside may need a moment to end."""
    deadline = time.monotonic() + UNMOUNT_SECONDS
    while True:
        try:
            run(["umount", str(at)])
        except BuildError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
