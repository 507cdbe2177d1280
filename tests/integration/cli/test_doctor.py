"""`dcdist doctor` as users and their scripts run it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from dcdist.checkup.findings.finding import Check
from dcdist.cli.hanging_threads import let_threads_hang
from tests.support.commands import ROOT, dcdist, running, wait_for
from tools.lab.network import Link, Network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Demo, Record
    from tools.lab.swift import Swift

HERE = ["--listen", "127.0.0.1:0"]
KEYS = {"event", "check", "state", "message", "advice"}


def test_a_good_host_ends_with_0_and_a_record_for_each_check(demo: Demo, tmp_path: Path) -> None:
    where = ["--cache", tmp_path / "cache", "--dest", tmp_path / "images"]
    done = dcdist("doctor", "--store", demo.store, "--trust", demo.trust, *where, *HERE, "--json")
    records = done.records

    assert done.code == 0, done
    assert done.err == ""
    assert sorted(record["check"] for record in records[:-1]) == sorted(Check)
    assert all(set(record) == KEYS and record["event"] == "checked" for record in records[:-1])
    assert all(record["advice"] for record in records if record.get("state") in {"warning", "failed"})
    assert {key: records[-1][key] for key in ("event", "ready", "failed")} == {
        "event": "examined", "ready": True, "failed": 0
    }  # fmt: skip
    assert os.listdir(tmp_path) == []


def test_a_host_that_is_not_ready_ends_with_10_and_the_checks_that_failed(demo: Demo, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    arguments = ["doctor", "--store", demo.store, "--cache", tmp_path / "file" / "cache", *HERE]
    as_json, in_words = dcdist(*arguments, "--json"), dcdist(*arguments)

    assert (as_json.code, in_words.code) == (10, 10)
    assert as_json.records[-2]["event"] == "examined"
    assert {key: as_json.last("error")[key] for key in ("kind", "exit_code")} == {
        "kind": "NotReadyError", "exit_code": 10
    }  # fmt: skip
    assert in_words.err == ("dcdist: this host is not ready for a fetch that trades; 1 check(s) failed: cache\n")
    lines = in_words.out.splitlines()
    number = next(number for number, line in enumerate(lines) if line.startswith("FAILED   cache         cannot write"))
    assert lines[number + 1] == " " * 23 + "-> change its owner or mode, or choose another folder"


def test_no_secret_is_in_any_output(swift: Swift, container: str) -> None:
    secrets = {"ST_KEY": "key-of-the-account", "http_proxy": "http://joe:key-of-the-proxy@127.0.0.1:9"}
    for changed in (secrets, {"http_proxy": secrets["http_proxy"]}, {"ST_KEY": secrets["ST_KEY"]}):
        environment = {**swift.environment, **changed}
        for style in ([], ["--json"], ["--debug"]):
            done = dcdist("doctor", "--store", f"swift://{container}", *HERE, *style, environment=environment)
            assert done.code == 10
            assert "key-of-the" not in done.out + done.err
            assert "127.0.0.1:9" in done.out or "http_proxy" not in changed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_nothing_stays(demo: Demo, tmp_path: Path, number: signal.Signals) -> None:
    arguments = ["doctor", "--store", demo.store, "--cache", tmp_path, "--dest", tmp_path, *HERE, "--json"]
    with running(*arguments) as process:
        wait_for(process, "checked", check="store")  # the object and the files are about to be written
        process.send_signal(number)
        out, _ = process.communicate(timeout=30)
    assert process.returncode in {128 + number, 0}, out
    assert os.listdir(tmp_path) == []
    assert not list((demo.folder / "store" / "swarm").glob("probe-*"))


def test_a_thread_that_hangs_does_not_keep_the_command_from_ending() -> None:
    released, threads = threading.Event(), []

    def hang() -> None:
        threads.append(threading.current_thread())
        released.wait()

    async def examine() -> str:
        let_threads_hang()
        try:
            async with asyncio.timeout(0.1):
                await asyncio.to_thread(hang)
        except TimeoutError:
            return await asyncio.to_thread(str, "ended")
        raise AssertionError

    assert asyncio.run(examine()) == "ended"
    assert [thread.is_alive() for thread in threads] == [True]
    released.set()
    threads[0].join()


@pytest.fixture
def two_hosts() -> Iterator[Network]:
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    with Network({"near": Link.of("1gbit"), "far": Link.of("1gbit")}) as network:
        yield network


def _on(network: Network, host: str, *arguments: object) -> list[str]:
    return [*network.command(host), sys.executable, "-m", "dcdist", *map(str, arguments)]


@pytest.mark.root
def test_a_firewall_between_two_hosts_is_found_by_the_hosts_that_do_not_answer(
    two_hosts: Network, demo: Demo, tmp_path: Path
) -> None:
    """A host of the realm seeds; then it gives no answer to this one, as behind a firewall."""
    near, far = two_hosts.address("near"), two_hosts.address("far")
    arguments = ["--store", demo.store, "--trust", demo.trust]
    seeder = _on(two_hosts, "far", "seed", "web@1", *arguments, "--cache", tmp_path, "--listen", "0.0.0.0:6881")
    examine = _on(two_hosts, "near", "doctor", *arguments, "--json")
    with subprocess.Popen([*seeder, "--json"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as seeding:
        try:
            wait_for(seeding, "seeding")
            open_code, before = _examined(examine)
            # The far host's answers go to nobody, as behind a firewall that drops them.
            nobody = ["ip", "neigh", "replace", near, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "permanent"]
            subprocess.run([*two_hosts.command("far"), *nobody], check=True)
            closed_code, after = _examined(examine)
        finally:
            seeding.terminate()
            seeding.communicate()

    assert (open_code, before["members"]["state"]) == (0, "ok")
    assert before["address"]["message"].startswith(near)
    assert "an interface that is up has it" in before["address"]["message"]
    assert closed_code == 10
    assert after["members"]["state"] == "failed"
    assert after["members"]["message"] == (
        f"1 host(s) listed: 0 answer; {far}:6881 does not answer: a firewall may be in between"
    )
    assert after["members"]["advice"].startswith("allow TCP from this host to these addresses and ports")
    assert {check for check, record in after.items() if record["state"] == "failed"} == {"members"}


def _examined(command: list[str]) -> tuple[int, dict[str, Record]]:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {record["check"]: record for record in records if record["event"] == "checked"}
