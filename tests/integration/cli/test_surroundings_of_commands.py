"""Commands where something is missing that most processes have: standard streams, /proc, room, names in UTF-8."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import ROOT, dcdist

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Demo


def _shell(script: str, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run `script`, in which `"$@"` is the command with these arguments."""
    words = [sys.executable, "-m", "dcdist", *map(os.fspath, map(str, arguments))]
    return subprocess.run(
        ["sh", "-c", script, "sh", *words],
        cwd=cwd or ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_get_nothing_and_the_work_is_done(demo: Demo, tmp_path: Path, closed: str) -> None:
    where = ["--store", demo.store, "--trust", demo.trust]
    image = demo.folder / "web@1" / "web.img"
    fetch = [word for word in demo.fetch("web@1", tmp_path) if word != "--json"]
    for command in (
        ["publish", "own@1", image, "--store", (tmp_path / "store").as_uri(), "--key", demo.key],
        fetch,
        ["verify", "web@1", *where, "--dest", tmp_path / "images"],
        ["ls", *where],
        ["show", "web", *where],
        ["fetch", "--help"],
    ):
        done = _shell(f'exec "$@" {closed}', *command)
        assert (done.returncode, done.stderr) == (0, b""), command

    assert dcdist(*demo.verify("web@1", tmp_path)).code == 0
    assert (tmp_path / "store" / "releases" / "own" / "1").exists()


def test_a_seeder_without_standard_streams_seeds(demo: Demo, tmp_path: Path) -> None:
    where = ["--store", demo.store, "--trust", demo.trust, "--cache", tmp_path / "cache", "--listen", "127.0.0.1:0"]
    log = tmp_path / "log"
    wait = f"until grep -qs seeding {log}; do kill -0 $! || exit 99; sleep 0.1; done"
    script = f'"$@" <&- >&- 2>&- & {wait}; kill $!; wait $!'
    assert _shell(script, "seed", "web@1", *where, "--log-file", log).returncode == 0


def test_a_closed_input_cannot_be_published(demo: Demo, tmp_path: Path) -> None:
    done = _shell('exec "$@" <&-', "publish", "own@1", "-", "--store", tmp_path.as_uri(), "--key", demo.key)
    assert (done.returncode, b"standard input (-) is closed" in done.stderr) == (2, True)


def test_an_output_without_room_is_named(demo: Demo) -> None:
    full = _shell('exec "$@" >/dev/full', "ls", "--store", demo.store)
    assert (full.returncode, full.stderr) == (6, b"dcdist: standard output: No space left on device\n")


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")
def test_without_proc_everything_works(demo: Demo, tmp_path: Path) -> None:
    image = demo.folder / "web@1" / "web.img"
    publish = ["publish", "own@1", image, "--store", (tmp_path / "store").as_uri(), "--key", demo.key]
    listen = ["--listen", "127.0.0.1:0", "--seed-for", "0"]
    for command in (publish, demo.fetch("web@1", tmp_path, *listen), demo.verify("web@1", tmp_path)):
        words = [sys.executable, "-m", "dcdist", *map(str, command)]
        hidden = 'mount -t tmpfs none /proc && exec "$@"'
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", hidden, "sh", *words],
            cwd=ROOT, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, b""), done


def test_a_cache_whose_name_is_not_utf_8_is_refused_and_named(demo: Demo, tmp_path: Path) -> None:
    odd = tmp_path / "b\udcff"
    odd.mkdir()
    fetch = [word for word in demo.fetch("web@1", tmp_path) if word != "--json"]
    done = _shell('exec "$@"', *fetch, "--cache", odd / "cache")
    beside = _shell('exec "$@"', *fetch, "--cache", "cache", cwd=odd)

    for each in (done, beside):
        assert (each.returncode, b"'--cache'" in each.stderr, b"not UTF-8" in each.stderr) == (2, True, True), each
    assert os.listdir(odd) == []


def test_a_working_directory_that_is_gone_is_told(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    fetch = demo.fetch("web@1", tmp_path, "--cache", "cache")
    done = _shell('cd gone && rmdir ../gone && exec "$@"', *fetch, cwd=tmp_path)
    assert (done.returncode, b"the working directory, which does not exist" in done.stdout) == (2, True), done


@pytest.mark.parametrize("name", ["b%FF", "b\udcff"])
def test_a_store_may_lie_in_a_folder_whose_name_is_not_utf_8(demo: Demo, tmp_path: Path, name: str) -> None:
    odd = tmp_path / "b\udcff"
    odd.mkdir()
    image = demo.folder / "web@1" / "web.img"
    url = f"{tmp_path.as_uri()}/{name}/store"
    done = _shell('exec "$@"', "publish", "own@1", image, "--store", url, "--key", demo.key)

    assert done.returncode == 0, done
    assert os.listdir(tmp_path) == ["b\udcff"]
    assert (odd / "store" / "releases" / "own" / "1").exists()
