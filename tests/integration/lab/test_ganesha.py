"""The lab's NFS server: hosts read a directory and nothing else, and it says when it cannot serve."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

import pytest

from tools.lab import ganesha
from tools.lab.ganesha import Ganesha, GaneshaError
from tools.lab.network import Link, Network

if TYPE_CHECKING:
    from collections.abc import Iterator

MISSING = [*ganesha.missing(), *(tool for tool in ("ip", "tc", "nsenter", "nfs-cp") if which(tool) is None)]
MEMORY = Path("/dev/shm")
LINK = Link.of("1gbit")
CONTENT = random.Random(1).randbytes(3_000_001)
MAKER = """
import sys
from pathlib import Path
from tools.lab.ganesha import Ganesha
from tools.lab.network import Link, Network
with Network({"store": Link.of("1gbit")}) as network:
    with Ganesha(Path(sys.argv[1]), Path(sys.argv[2]), wrapper=network.command("store")):
        print((Path(sys.argv[2]) / "pid").read_text().strip(), flush=True)
        sys.stdin.read()
"""

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture
def network() -> Iterator[Network]:
    with Network({"store": LINK, "host": LINK}) as network:
        yield network


def copy(network: Network, source: str, target: str) -> subprocess.CompletedProcess[str]:
    command = [*network.command("host"), "nfs-cp", source, target]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("place", ["disk", "memory"])
def test_a_host_reads_a_file_as_it_is(network: Network, tmp_path: Path, place: str) -> None:
    if place == "memory" and not MEMORY.is_dir():
        pytest.skip(f"{MEMORY} is not there")
    with tempfile.TemporaryDirectory(dir=MEMORY if place == "memory" else tmp_path, prefix="an export, ") as export:
        (Path(export) / "image").write_bytes(CONTENT)
        with Ganesha(Path(export), tmp_path / "own files", wrapper=network.command("store")):
            done = copy(network, Ganesha.url(network.address("store"), "image"), str(tmp_path / "copy"))

        assert done.returncode == 0, done.stderr
        assert (tmp_path / "copy").read_bytes() == CONTENT


def test_a_host_cannot_write(network: Network, tmp_path: Path) -> None:
    export, file = tmp_path / "export", tmp_path / "file"
    export.mkdir()
    file.write_bytes(CONTENT)
    with Ganesha(export, tmp_path / "own", wrapper=network.command("store")):
        done = copy(network, str(file), Ganesha.url(network.address("store"), "new"))

    assert "NFS4ERR_ROFS" in done.stderr
    assert list(export.iterdir()) == []


def test_what_is_no_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(GaneshaError, match=f"{place} is not one"), Ganesha(place, tmp_path / "own"):
            pass


def test_a_directory_that_it_cannot_export_is_an_error_with_the_cause(network: Network, tmp_path: Path) -> None:
    server = Ganesha(Path("/proc/tty"), tmp_path / "own", wrapper=network.command("store"))

    with pytest.raises(GaneshaError, match=r"cannot export /proc/tty: .*resolve_posix_filesystem"), server:
        pass


def test_a_port_that_is_taken_is_told_and_the_first_server_goes_on(network: Network, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(CONTENT)
    wrapper = network.command("store")
    with Ganesha(tmp_path, tmp_path / "first", wrapper=wrapper):
        second = Ganesha(tmp_path, tmp_path / "second", wrapper=wrapper)
        with pytest.raises(GaneshaError, match="Address already in use"), second:
            pass
        done = copy(network, Ganesha.url(network.address("store"), "image"), str(tmp_path / "copy"))

    assert done.returncode == 0, done.stderr


def test_it_is_gone_when_the_block_is_left(network: Network, tmp_path: Path) -> None:
    with Ganesha(tmp_path, tmp_path / "own", wrapper=network.command("store")):
        process = int((tmp_path / "own/pid").read_text())
        assert runs(process)

    assert not runs(process)


def test_it_dies_with_its_maker(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKER, str(tmp_path), str(tmp_path / "own")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as maker:
        assert maker.stdout is not None
        server = int(maker.stdout.readline())
        assert runs(server)
        os.kill(maker.pid, signal.SIGKILL)

    while runs(server):
        time.sleep(0.02)
