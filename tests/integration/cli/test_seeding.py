"""What goes on when a fetch is done: one seeder a cache, which leaves nothing in the way of the host."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.commands import ROOT, dcdist, is_alive, running, wait_for, wait_for_end

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Demo


@contextmanager
def _ended_at_last(pids: list[int]) -> Iterator[None]:
    """Whatever happens, end these processes."""
    try:
        yield
    finally:
        for pid in pids:
            if is_alive(pid):
                os.kill(pid, signal.SIGTERM)
                wait_for_end(pid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _said(host: Path, pid: int) -> list[str]:
    """What a process wrote to the log of seeding, but for what one of root adds; see test_given_up_root."""
    log = (host / "cache" / "seeding.log").read_text().splitlines()
    said = [line.partition(f" {pid} ")[2] for line in log if f" {pid} " in line]
    return [line for line in said if not line.startswith("goes on as root: ")]


def test_an_update_takes_over_the_fixed_port_of_the_process_that_seeds_the_last_version(
    demo: Demo, tmp_path: Path
) -> None:
    listen = f"127.0.0.1:{_free_port()}"
    pids: list[int] = []
    with _ended_at_last(pids):
        for wanted in ("web@1", "web@2"):
            done = dcdist(*demo.fetch(wanted, tmp_path, "--listen", listen, "--seed-for", "10m"))
            assert done.code == 0, done
            pids.append(done.records[-2]["pid"])
        first, second = pids

        assert {"event": "took_over", "process": first} in done.records
        assert (is_alive(first), is_alive(second)) == (False, True)
        # It gives what was in place too: the image that both versions share.
        other = demo.fetch("web@2", tmp_path / "other", "--no-store", "--peer", listen, "--seed-for", "0")
        assert dcdist(*other).code == 0
    giving_way, ended = _said(tmp_path, first)[1:]
    assert giving_way.startswith("giving way to process ")
    assert giving_way.endswith(", which uses the same cache")
    assert ended == "seeding web@1 ended: 0 B given to others"


def test_updates_on_any_port_leave_one_seeder_that_has_the_latest(demo: Demo, tmp_path: Path) -> None:
    pids: list[int] = []
    with _ended_at_last(pids):
        for wanted in ("web@1", "web@2"):
            done = dcdist(*demo.fetch(wanted, tmp_path, "--listen", "127.0.0.1:0", "--seed-for", "10m"))
            pids.append(done.records[-2]["pid"])
        wait_for_end(pids[0])

        assert is_alive(pids[1])
        assert _said(tmp_path, pids[0])[1] == f"giving way to process {pids[1]}, which uses the same cache"
        assert f"process {pids[0]}, which seeded from the same cache, gave way and has ended" in _wait_for_line(
            tmp_path, pids[1], count=2
        )


@pytest.mark.parametrize("port", ["fixed", "any"])
def test_the_same_release_again_is_complete_at_once_moves_nothing_and_takes_over_the_seeding(
    demo: Demo, tmp_path: Path, port: str
) -> None:
    listen = f"127.0.0.1:{_free_port() if port == 'fixed' else 0}"
    pids: list[int] = []
    with _ended_at_last(pids):
        for _ in range(2):
            done = dcdist(*demo.fetch("web@1", tmp_path, "--listen", listen, "--seed-for", "10m"))
            assert done.code == 0, done
            pids.append(done.records[-2]["pid"])
        wait_for_end(pids[0])

        (found,) = [record for record in done.records if record["event"] == "release_found"]
        assert found["layer_bytes"] == 0
        assert [done.last("fetched")["bytes"][source] for source in ("store", "peers", "images")] == [0, 0, 0]
        other = demo.fetch("web@1", tmp_path / "other", "--no-store", "--seed-for", "0", "--listen", "127.0.0.1:0")
        assert dcdist(*other).last("fetched")["peers_seen"] == 1


def test_the_same_release_again_that_is_not_to_be_given_leaves_the_seeder_alone(demo: Demo, tmp_path: Path) -> None:
    listen = f"127.0.0.1:{_free_port()}"
    pids: list[int] = []
    with _ended_at_last(pids):
        first = dcdist(*demo.fetch("web@1", tmp_path, "--listen", listen, "--seed-for", "10m"))
        pids.append(first.records[-2]["pid"])
        again = dcdist(*demo.fetch("web@1", tmp_path, "--listen", listen, "--seed-for", "0"))
        assert is_alive(pids[0])
    assert (again.code, again.last("fetched")["bytes"]["store"]) == (0, 0)
    assert "took_over" not in {record["event"] for record in again.records}


def test_the_same_release_again_ends_well_though_its_port_is_taken(demo: Demo, tmp_path: Path) -> None:
    assert dcdist(*demo.fetch("web@1", tmp_path, "--seed-for", "0")).code == 0
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        again = dcdist(*demo.fetch("web@1", tmp_path, "--listen", listen, "--seed-for", "10s"))
    assert again.code == 0
    (told,) = [record["message"] for record in again.records if record["event"] == "troubled"]
    assert "but this host gives nothing to others" in told


def _wait_for_line(host: Path, pid: int, *, count: int) -> list[str]:
    while len(said := _said(host, pid)) < count:
        assert is_alive(pid)
    return said


def test_neither_a_fetch_under_way_nor_an_endless_seeder_gives_way(demo: Demo, tmp_path: Path) -> None:
    listen = f"127.0.0.1:{_free_port()}"
    where = ["--store", demo.store, "--trust", demo.trust, "--cache", tmp_path / "cache", "--listen", listen]
    with running("seed", "web@1", *where, "--json") as seeder:
        wait_for(seeder, "seeding")
        beside_seeder = dcdist(*demo.fetch("web@2", tmp_path, "--listen", listen))
        assert seeder.poll() is None
    with running(*demo.fetch("web@1", tmp_path / "slow", "--listen", listen, "--store-rate", "50k")) as fetch:
        wait_for(fetch, "progress")
        elsewhere = tmp_path / "elsewhere"
        beside_fetch = dcdist(*demo.fetch("web@2", tmp_path / "slow", "--listen", listen, "--dest", elsewhere))
        assert fetch.poll() is None
        fetch.terminate()
        fetch.wait(30)

    for done in (beside_seeder, beside_fetch):
        assert (done.code, done.last("error")["kind"]) == (7, "SwarmError")


def test_a_seeding_process_keeps_no_folder_and_no_pipe_of_its_caller(demo: Demo, tmp_path: Path) -> None:
    pids: list[int] = []
    with _ended_at_last(pids):
        done = dcdist(*demo.fetch("web@1", tmp_path, "--listen", "127.0.0.1:0", "--seed-for", "10m"))
        pid = done.records[-2]["pid"]
        pids.append(pid)
        opened = {os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}

        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert {path for path in opened if path.startswith(f"{tmp_path}/images")} == set()
        standard = [os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)]
        assert standard == ["/dev/null", *[f"{tmp_path}/cache/seeding.log"] * 2]
        assert {path for path in opened if path.startswith("pipe:")} == set()


def _as_process_1(*arguments: object) -> list[str]:
    """The command as process 1 of a process namespace, as in a container."""
    words = [sys.executable, "-m", "dcdist", *map(str, arguments)]
    return ["unshare", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc", *words]


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
def test_process_1_of_a_container_gives_before_it_ends_and_a_signal_ends_it_well(demo: Demo, tmp_path: Path) -> None:
    fetch = demo.fetch("web@1", tmp_path / "host", "--listen", "127.0.0.1:0", "--seed-for", "10m")
    with subprocess.Popen(_as_process_1(*fetch), cwd=ROOT, stdout=subprocess.PIPE, text=True) as container:
        try:
            seeding = wait_for(container, "seeding")
            wait_for(container, "fetched")
            assert seeding["foreground"] is True
            assert container.poll() is None

            other = demo.fetch("web@1", tmp_path / "other", "--listen", "127.0.0.1:0", "--no-store", "--seed-for", "0")
            assert dcdist(*other).last("fetched")["peers_seen"] == 1
            with open(f"/proc/{container.pid}/task/{container.pid}/children") as children:
                os.kill(int(children.read()), signal.SIGTERM)
            assert container.wait(60) == 0
        finally:
            container.kill()


def test_that_a_service_will_end_the_seeding_is_said(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import dcdist.cli.worker.surroundings as around\naround._service = lambda cgroup: 'images.service'\n"
    )
    environment = {"PYTHONPATH": f"{tmp_path}:{ROOT}", "INVOCATION_ID": "0f"}
    fetch = demo.fetch(
        "web@1", tmp_path, "--listen", "127.0.0.1:0", "--seed-for", "10m", "--log-file", tmp_path / "log"
    )
    done = dcdist(*fetch, environment=environment)
    with _ended_at_last([done.records[-2]["pid"]]):
        note = done.records[-3]
        assert (note["event"], note["source"]) == ("troubled", "images.service")
        assert "ends when images.service does" in note["message"]
        logged = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
        assert next(each for each in logged if each["event"] == "seeding").items() >= done.records[-2].items()


@pytest.mark.parametrize("seed_for", ["10m", "0"])
def test_a_service_that_waits_for_a_word_gets_it_once_whenever_the_images_are_there(
    demo: Demo, tmp_path: Path, seed_for: str
) -> None:
    # Whether this is a service is not known here; that the word comes does not depend on it.
    fetch = demo.fetch("web@1", tmp_path, "--listen", "127.0.0.1:0", "--seed-for", seed_for)
    pids: list[int] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as system, _ended_at_last(pids):
        system.bind(str(tmp_path / "notify"))
        system.setblocking(False)
        for _ in ("first boot", "second boot"):
            done = dcdist(*fetch, environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
            pids += [record["pid"] for record in done.records if record["event"] == "seeding"]
            assert done.code == 0, done
            assert (tmp_path / "images" / "web.img").exists()
            assert system.recv(100) == b"READY=1\n"
            with pytest.raises(BlockingIOError):
                system.recv(100)
