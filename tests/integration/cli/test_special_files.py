"""Files that users name and that are no plain files: pipes, files that are not there, keys that others may read."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import ROOT, dcdist, running

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.commands import Demo


def test_keys_may_come_from_pipes(demo: Demo, tmp_path: Path) -> None:
    for command in (demo.fetch("web@1", tmp_path), demo.verify("web@1", tmp_path)):
        command[command.index("--trust") + 1] = "/dev/stdin"
        done = dcdist(*command, stdin=demo.trust.read_bytes())
        assert done.code == 0, done

    substituted = ["bash", "-c", f'exec "$@" --trust <(cat {demo.trust})', "bash", sys.executable, "-m", "dcdist"]
    fetch = ["fetch", "web@2", "--store", demo.store, "--dest", tmp_path / "images", "--cache", tmp_path / "cache"]
    third = subprocess.run(
        [*substituted, *map(str, fetch), "--no-swarm"], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert third.returncode == 0, third


def test_a_key_that_never_comes_is_waited_for_until_a_signal(demo: Demo, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "key")
    command = demo.fetch("web@1", tmp_path)
    command[command.index("--trust") + 1] = tmp_path / "key"
    with running(*command) as fetch, os.fdopen(_writer(tmp_path / "key"), "wb"):
        fetch.terminate()
        assert fetch.wait(30) == 143


def _writer(pipe: Path) -> int:
    """Open a pipe for writing as soon as another process opens it for reading."""
    while True:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise


@pytest.mark.parametrize("option", ["--log-file", "--trace"])
def test_a_pipe_that_nobody_reads_is_refused_at_once(demo: Demo, tmp_path: Path, option: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = dcdist(*demo.fetch("web@1", tmp_path, option, tmp_path / "pipe"))
    error = done.last("error")
    assert (done.code, error["kind"], error["path"]) == (6, "DiskError", str(tmp_path / "pipe"))
    assert "nobody reads this pipe" in error["message"]


def test_a_log_may_be_a_pipe_that_somebody_reads(demo: Demo, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(reading, "rb") as pipe:
        assert dcdist(*demo.fetch("web@1", tmp_path, "--log-file", tmp_path / "pipe")).code == 0
        assert json.loads(pipe.read().splitlines()[-1])["event"] == "ended"


@pytest.mark.parametrize("option", ["--log-file", "--trace"])
def test_a_file_in_a_folder_that_is_not_there_is_refused_before_anything_is_written(
    demo: Demo, tmp_path: Path, option: str
) -> None:
    done = dcdist(*demo.fetch("web@1", tmp_path, option, tmp_path / "none" / "file"))
    assert (done.code, f"'{option}'" in done.records[-1]["message"]) == (2, True)
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_not_there_has_one_code_whatever_it_is_for(demo: Demo, tmp_path: Path) -> None:
    good = ["--store", demo.store, "--key", demo.key]
    image = demo.folder / "web@1" / "web.img"
    publishes = (
        ["publish", "own@1", tmp_path / "none.img", *good],
        ["publish", "own@1", tmp_path, *good],
        ["publish", "own@1", image, "--store", demo.store, "--key", tmp_path / "none.key"],
        ["publish", "own@1", image, *good, "--metadata", tmp_path / "none"],
    )
    for words in (*publishes, demo.fetch("web@1", tmp_path, "--trust", tmp_path / "none.pub"), ["verify", "web@1"]):
        done = dcdist(*words, "--json")
        assert (done.code, done.last("error")["kind"]) == (2, "UsageError"), words


def test_a_private_key_that_others_may_read_is_told(demo: Demo, tmp_path: Path) -> None:
    key = tmp_path / "publisher.key"
    key.write_bytes(demo.key.read_bytes())
    image = demo.folder / "web@1" / "web.img"
    publish = ["publish", "own@1", image, "--store", (tmp_path / "store").as_uri(), "--key", key, "--json"]
    told = {}
    for mode in (0o777, 0o640, 0o600):
        key.chmod(mode)
        done = dcdist(*publish)
        assert done.code == 0, done
        told[mode] = [each["message"] for each in done.records if each["event"] == "troubled"]

    assert told[0o777] == [
        f"the private key {key} has mode 0777: whoever reads it can sign what hosts trust; to close it: chmod 600 {key}"
    ]
    assert len(told[0o640]) == 1
    assert told[0o600] == []


def test_a_publish_from_a_pipe_into_which_nobody_writes_ends_when_it_is_told_to(demo: Demo, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "web.img")
    store = (tmp_path / "store").as_uri()
    log = tmp_path / "log"
    words = ["publish", "own@1", tmp_path / "web.img", "--store", store, "--key", demo.key, "--log-file", log]
    with running(*words) as publish:
        while not log.exists() or '"started"' not in log.read_text():
            assert publish.poll() is None
        publish.terminate()
        assert publish.wait(30) == 143
