"""A peer takes over the process that seeds: what it then has is an ordinary user's, who may read layers and no more."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dcdist.cli.giving_up_root import SeedingUser, seeding_user
from dcdist.cli.host_user import READ, HostUser
from dcdist.disk.group_access import let_group_read
from tests.support.commands import ROOT, dcdist, is_alive, running, wait_for, wait_for_end
from tests.support.other_user import NOBODY, needs_another_user, run_as_nobody

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.commands import Demo, Record
    from tools.lab.swift import Swift

LIMIT = 60.0
SEEDING = ("--listen", "127.0.0.1:0", "--seed-for", "5m")


@pytest.fixture
def host() -> Iterator[Path]:
    """A folder that other users can reach, other than those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="dcdist-host-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shared(demo: Demo, host: Path) -> str:
    """The URL of a copy of the store, where nobody may leave heartbeats, as a Swift lets every host."""
    store = host / "store"
    shutil.copytree(demo.folder / "store", store)
    heartbeats = store / "swarm" / "web" / "default"
    heartbeats.mkdir(parents=True)
    os.chown(heartbeats, NOBODY, NOBODY)
    return store.as_uri()


def records_of(log: Path) -> list[Record]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def told(log: Path, event: str) -> Record:
    """The first record of that event in a log file, waited for."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        for record in records_of(log):
            if record["event"] == event:
                return record
        time.sleep(0.02)
    raise AssertionError(f"no {event} in {log}")


def ids(pid: int) -> set[tuple[str, ...]]:
    """User ids, group ids, groups and effective capabilities of each thread."""
    found = set()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        status = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines() if ":\t" in line)
        found.add(tuple(status[name].strip() for name in ("Uid", "Gid", "Groups", "CapEff", "CapPrm", "NoNewPrivs")))
    return found


ALL_NOBODY = {("\t".join([str(NOBODY)] * 4), "\t".join([str(NOBODY)] * 4), str(NOBODY), "0" * 16, "0" * 16, "1")}


@contextmanager
def seeder(demo: Demo, host: Path, wanted: str, *more: object) -> Iterator[tuple[int, list[Record]]]:
    """The process that goes on after a fetch, and what the fetch said; ended at last."""
    done = dcdist(*demo.fetch(wanted, host, *SEEDING, "--log-file", host / f"{wanted}.log", *map(str, more)))
    assert done.code == 0, done
    pid = done.records[-2]["pid"]
    try:
        yield pid, done.records
    finally:
        if is_alive(pid):
            os.kill(pid, signal.SIGTERM)
            wait_for_end(pid)


@needs_another_user
def test_no_thread_of_a_seeder_keeps_anything_of_root(demo: Demo, host: Path, shared: str) -> None:
    with seeder(demo, host, "web@1", "--user", "nobody", "--store", shared) as (pid, records):
        assert told(host / "web@1.log", "seeding_as")["user"] == "nobody"
        assert ids(pid) == ALL_NOBODY
        assert len(list(Path(f"/proc/{pid}/task").iterdir())) > 3  # those of libtorrent too
        assert [record for record in records if record["event"] == "troubled"] == []


@needs_another_user
def test_a_seeder_without_root_gives_and_can_write_to_nothing_in_the_cache(demo: Demo, host: Path, shared: str) -> None:
    with seeder(demo, host, "web@1", "--user", "nobody", "--store", shared):
        assert told(host / "web@1.log", "seeding_as")["user"] == "nobody"
        port = told(host / "web@1.log", "fetched")["listening"].rpartition(":")[2]
        other = ["--no-store", "--peer", f"127.0.0.1:{port}", "--seed-for", "0", "--store", shared]
        done = dcdist(*demo.fetch("web@1", host / "other", *other))
        assert done.code == 0, done
        assert done.last("fetched")["bytes"]["peers"] > 3_000_000
        cache = host / "cache"
        assert not [place for place in (cache, *cache.rglob("*")) if writable_by_nobody(place)]
        data = next(cache.glob("layers/*/data"))
        assert run_as_nobody(["sh", "-c", f"echo x >> {data}"]).returncode != 0


def writable_by_nobody(place: Path) -> bool:
    status = place.stat()
    return bool(status.st_mode & stat.S_IWOTH or (status.st_gid == NOBODY and status.st_mode & stat.S_IWGRP))


@needs_another_user
def test_a_seeder_without_root_gives_way_to_the_next_fetch_of_root(demo: Demo, host: Path, shared: str) -> None:
    with seeder(demo, host, "web@1", "--user", "nobody", "--store", shared) as (first, _):
        assert told(host / "web@1.log", "seeding_as")["user"] == "nobody"
        with seeder(demo, host, "web@2", "--user", "nobody", "--store", shared) as (second, _):
            assert told(host / "web@2.log", "took_over")["process"] == first
            assert told(host / "web@2.log", "seeding_as")["user"] == "nobody"
            assert (is_alive(first), ids(second)) == (False, ALL_NOBODY)


@needs_another_user
def test_a_seeder_in_the_foreground_gives_up_root_once_all_layers_are_here(demo: Demo, host: Path, shared: str) -> None:
    options = ["--store", shared, "--trust", demo.trust, "--cache", host / "cache", "--listen", "127.0.0.1:0", "--json"]
    with running("seed", "web@1", *options, "--user", "nobody", "--log-file", host / "log") as process:
        wait_for(process, "seeding")
        assert told(host / "log", "seeding_as")["user"] == "nobody"
        assert ids(process.pid) == ALL_NOBODY
        process.terminate()
        assert process.wait(LIMIT) == 0


@needs_another_user
def test_a_seeder_without_root_and_without_the_key_in_its_environment_signs_in_again(
    demo: Demo, host: Path, swift: Swift, container: str
) -> None:
    store, variables = f"swift://{container}", swift.environment
    for image, content in demo.images["web@1"].items():
        (host / image).write_bytes(content)
    images = [host / image for image in demo.images["web@1"]]
    done = dcdist("publish", "web@1", *images, "--store", store, "--key", demo.key, environment=variables)
    assert done.code == 0, done
    options = (*SEEDING, "--user", "nobody", "--store", store, "--log-file", host / "log")
    done = dcdist(*demo.fetch("web@1", host, *options), environment=variables)
    assert done.code == 0, done
    pid = done.records[-2]["pid"]
    try:
        assert told(host / "log", "seeding_as")["user"] == "nobody"
        assert b"ST_KEY" not in Path(f"/proc/{pid}/environ").read_bytes()
        swift.expire_tokens()
        before = len(swift.answers("DELETE", "swarm/"))
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for_end(pid)
    # The heartbeat goes with the process: first the old token is refused, then a new one is not.
    assert [answer.status for answer in swift.answers("DELETE", "swarm/")[before:]][-1] == 204
    assert [record for record in records_of(host / "log") if record["event"] == "error"] == []


@needs_another_user
def test_where_the_user_could_not_seed_it_stays_root_and_says_why(demo: Demo, host: Path, shared: str) -> None:
    closed = host / "closed"
    closed.mkdir(mode=0o700)
    with seeder(demo, closed, "web@1", "--user", "nobody", "--store", shared) as (pid, records):
        notes = [record["message"] for record in records if record["event"] == "troubled"]
        assert notes == [f"it seeds as root: nobody may not read {closed} (mode 0700)"]
        assert told(closed / "web@1.log", "seeding_as") | {"time": "", "pid": 0} == {
            "time": "", "pid": 0, "command": "fetch", "release": "web@1", "event": "seeding_as", "user": "root",
            "reason": f"nobody may not read {closed} (mode 0700)",
        }  # fmt: skip
        assert {each[0] for each in ids(pid)} == {"0\t0\t0\t0"}
    (host / "store" / "swarm" / "web" / "default").chmod(0o555)
    with seeder(demo, host, "web@1", "--user", "nobody", "--store", shared) as (_, records):
        notes = [record["message"] for record in records if record["event"] == "troubled"]
        assert notes == [f"it seeds as root: nobody may not write to {host}/store/swarm/web/default (mode 0555)"]


@needs_another_user
def test_heartbeats_of_root_that_the_user_could_not_renew_keep_it_root(host: Path) -> None:
    heartbeats = host / "swarm"
    heartbeats.mkdir()
    heartbeats.chmod(0o1777)
    becoming = seeding_user("nobody", cache=host / "cache", heartbeats=heartbeats)
    assert becoming == SeedingUser(
        None, f"{heartbeats} is sticky (mode 1777): nobody could not renew the heartbeat of root there", asked=True
    )
    os.chown(heartbeats, NOBODY, NOBODY)
    assert seeding_user("nobody", cache=host / "cache", heartbeats=heartbeats).reason == ""


@needs_another_user
@pytest.mark.parametrize("lacking", ["setuid", "setgid", "chown"])
def test_a_root_that_may_not_become_another_user_changes_nothing_and_says_so(host: Path, lacking: str) -> None:
    (host / "cache" / "layers").mkdir(mode=0o700, parents=True)
    program = (
        "import sys; from pathlib import Path; from dcdist.cli.giving_up_root import seeding_user; "
        "print(seeding_user('nobody', cache=Path(sys.argv[1]), heartbeats=None).reason)"
    )
    command = ["setpriv", "--bounding-set", f"-{lacking}", sys.executable, "-c", program, str(host / "cache")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"this process may not become nobody: it lacks CAP_{lacking.upper()}\n"


@needs_another_user
def test_a_layer_that_was_not_begun_and_one_of_roots_own_group_do_not_keep_it_root(host: Path) -> None:
    begun, empty = (host / "cache" / "layers" / f"{number:032x}" for number in (1, 2))
    for layer in (begun, empty):
        layer.mkdir(parents=True)
    (begun / "data").write_bytes(b"layer")
    for place, mode in ((begun, 0o770), (begun / "data", 0o660)):  # made with umask 007
        place.chmod(mode)
    assert let_group_read(host / "cache", NOBODY) == [begun / "data"]
    assert [stat.S_IMODE(place.stat().st_mode) for place in (begun, begun / "data")] == [0o750, 0o640]
    assert run_as_nobody(["cat", str(begun / "data")]).stdout == "layer"


@needs_another_user
def test_what_somebody_planted_in_an_open_cache_is_not_given_to_the_group(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"secret")
    victim.chmod(0o600)
    for number, plant in enumerate((Path.hardlink_to, Path.symlink_to)):
        layer = tmp_path / "cache" / "layers" / f"{number:032x}"
        layer.mkdir(parents=True)
        plant(layer / "data", victim)
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        let_group_read(tmp_path / "cache", NOBODY)
    assert (victim.stat().st_gid, stat.S_IMODE(victim.stat().st_mode)) == (0, 0o600)
    (tmp_path / "cache" / "layers").chmod(0o777)
    assert let_group_read(tmp_path / "cache", NOBODY) == [tmp_path / "cache" / "layers"]


def test_a_user_that_is_not_there_is_refused_before_anything_is_done(demo: Demo, tmp_path: Path) -> None:
    done = dcdist(*demo.fetch("web@1", tmp_path, *SEEDING, "--user", "no-such-user"))
    assert (done.code, done.last("error")["message"]) == (
        2,
        "--user no-such-user: this host has no user no-such-user; make one (useradd --system dcdist), or name another "
        "with --user",
    )
    assert list(tmp_path.iterdir()) == []


@needs_another_user
def test_root_stays_root_without_a_word_where_that_is_asked_for(tmp_path: Path) -> None:
    assert seeding_user("root", cache=tmp_path / "cache", heartbeats=None) == SeedingUser()


def test_rights_are_those_of_the_owner_else_of_a_group_else_of_all(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    status = file.stat()

    def may(uid: int, groups: set[int], mode: int) -> bool:
        file.chmod(mode)
        return HostUser("x", uid, min(groups), frozenset(groups)).may(file.stat(), READ)

    own, group = status.st_uid, status.st_gid
    assert [may(own, {group}, mode) for mode in (0o400, 0o044)] == [True, False]
    assert [may(own + 1, {group, group + 1}, mode) for mode in (0o040, 0o404)] == [True, False]
    assert [may(own + 1, {group + 1}, mode) for mode in (0o004, 0o440)] == [True, False]
