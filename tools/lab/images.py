"""Three versions of one real system, each changed in place from the last, as XVA: v1.xva, v2.xva and v3.xva.

v1 is a minimal root file system; v2 has python3, a web server and an editor more and the documentation less; v3 has
edited files, logs, curl and apt's lists more. So their disks share what the disks of a VM in use share. With `--size`,
v1 holds large packages too, until its XVA has at least that size.

What exists is kept. The disks (v1.raw, ...) stay beside the images: sparse, and the next version is made from them.
File system ids, hash seeds and the times in v1 are fixed; the kernel's own times in v2 and v3, and what the mirrors
hold, differ from run to run.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.lab import debian
from tools.lab.sizes import parse_size
from tools.lab.xva_writer import write_xva

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

MEBIBYTE = 1 << 20
SMALL_DISK = 700 * MEBIBYTE
ROOM = 400 * MEBIBYTE  # what v2 and v3 add, and the file system's own needs, with a margin
# Large packages that real servers carry, in the order in which they are installed until v1 is large enough.
LARGE = (
    "linux-image-amd64", "g++", "openjdk-17-jre-headless", "golang-go", "git", "postgresql", "python3-scipy",
    "fonts-noto-cjk", "clang", "rustc", "texlive-latex-extra", "linux-source", "ghc", "llvm-dev", "fonts-noto-extra",
    "openjdk-17-jdk-headless", "chromium", "texlive-fonts-extra", "kicad-footprints", "libreoffice-core-nogui",
)  # fmt: skip

_started = time.monotonic()


def say(text: str) -> None:
    """A line of progress, with the seconds since the start."""
    print(f"[{time.monotonic() - _started:4.0f} s] {text}", flush=True)


def change_to_v2(root: debian.Root) -> None:
    """More programs, no documentation."""
    root.install("python3", "nginx-light", "vim-tiny")
    root.empty("usr/share/doc", "usr/share/man", "usr/share/info")


def change_to_v3(root: debian.Root) -> None:
    """What an administrator edits, a new package, a log that has grown, and apt's lists, compressed."""
    etc = root.path / "etc"
    (etc / "hostname").write_text("demo-host\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n127.0.1.1 demo-host\n10.0.0.5 broker\n")
    server = etc / "nginx/nginx.conf"
    server.write_text(server.read_text().replace("worker_connections 768", "worker_connections 2048"))
    page = root.path / "var/www/html/index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("<h1>Demo, third version</h1>\n")
    with (etc / "passwd").open("a") as users:
        users.write("demo:x:1000:1000::/home/demo:/bin/bash\n")
    (root.path / "home/demo").mkdir(parents=True)
    root.install("curl")
    root.run("cp", "-r", f"{debian.LISTS}/.", "/var/lib/apt/lists/")
    lines = (
        f"Nov 22 10:{number // 60:02d}:{number % 60:02d} demo-host daemon[{number}]: served" for number in range(2000)
    )
    (root.path / "var/log/demo.log").write_text("\n".join(lines) + "\n")


CHANGES: tuple[Callable[[debian.Root], None], ...] = (change_to_v2, change_to_v3)


def grow(root: Path, wanted: int) -> None:
    """Install large packages until the root's files take `wanted` bytes.

    Raises:
        BuildError: All of them together are too small.
    """
    with debian.inhabited(root) as inside:
        for package in LARGE:
            used = inside.used()
            if used >= wanted:
                return
            say(f"v1: {used / MEBIBYTE:.0f} of {wanted / MEBIBYTE:.0f} MiB; installing {package}")
            inside.install(package)
        if inside.used() < wanted:
            raise debian.BuildError(f"all known large packages together have {inside.used()} bytes, not {wanted}")


def make_first_disk(disk: Path, scratch: Path, wanted: int) -> None:
    """The disk of v1; `wanted` is 0 for the small one."""
    root = scratch / "root"
    say(f"v1: making a root file system of {debian.codename()}")
    debian.bootstrap(root, scratch)
    if wanted:
        grow(root, wanted)
    size = (
        max(SMALL_DISK, -(-(debian.Root(root).used() * 5 // 4 + ROOM) // MEBIBYTE) * MEBIBYTE) if wanted else SMALL_DISK
    )
    say(f"v1: writing a disk of {size // MEBIBYTE} MiB")
    debian.make_disk(root, disk, size)


def make_disk(number: int, directory: Path, scratch: Path, wanted: int) -> Path:
    """The disk of one version, unless it exists."""
    disk = directory / f"v{number}.raw"
    if disk.exists():
        return disk
    part = scratch / disk.name
    if number == 1:
        make_first_disk(part, scratch, wanted)
    else:
        debian.run(["cp", "--sparse=always", str(directory / f"v{number - 1}.raw"), str(part)])
        mounted = scratch / "mounted"
        mounted.mkdir(exist_ok=True)
        say(f"v{number}: changing the disk of v{number - 1} in place")
        with debian.opened(part, mounted) as root:
            CHANGES[number - 2](root)
    part.rename(disk)
    return disk


def make_image(number: int, directory: Path, scratch: Path, wanted: int) -> None:
    """The XVA of one version, unless it exists."""
    image = directory / f"v{number}.xva"
    if image.exists():
        say(f"{image}: {image.stat().st_size} bytes, kept")
        return
    disk = make_disk(number, directory, scratch, wanted)
    part = scratch / image.name
    with part.open("wb") as out:
        written = write_xva(out, "demo", [disk])
    part.rename(image)
    say(f"{image}: {image.stat().st_size} bytes, {written.stored} members, {written.skipped} zero ones left out")


def claim(directory: Path, wanted: int) -> int:
    """The lock of an output directory, as a descriptor; the directory is for one size only.

    Raises:
        BuildError: It holds images of another size.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(lock, fcntl.LOCK_EX)
    recipe = directory / "recipe.json"
    asked = {"size": wanted}
    if recipe.exists() and json.loads(recipe.read_text()) != asked:
        raise debian.BuildError(f"{directory} holds images made with another --size; choose another --out or remove it")
    recipe.write_text(json.dumps(asked) + "\n")
    return lock


def build(directory: Path, wanted: int, versions: int) -> None:
    """Versions 1 to `versions` in the directory.

    Raises:
        BuildError: A step failed.
    """
    lock = claim(directory, wanted)
    scratch = directory / "unfinished"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        for number in range(1, versions + 1):
            make_image(number, directory, scratch, wanted)
        first = (directory / "v1.xva").stat().st_size
        if first < wanted:
            raise debian.BuildError(f"v1.xva has only {first} bytes, not {wanted}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(lock)


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    parser = argparse.ArgumentParser(
        prog="tools/make_images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--size", type=parse_size, default=0, help="bytes that v1.xva has at least, like 1GiB")
    parser.add_argument("--out", type=Path, default=Path("build/images"), help="directory (default: %(default)s)")
    parser.add_argument("--versions", type=int, choices=(1, 2, 3), default=3, help="how many (default: %(default)s)")
    options = parser.parse_args(arguments)
    if os.geteuid() != 0:
        print("tools/make_images needs root: it mounts file systems and runs programs inside them", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _end)
    try:
        build(options.out.resolve(), options.size, options.versions)
    except debian.BuildError as fault:
        print(f"tools/make_images: {fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tools/make_images: interrupted; nothing is left mounted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
