"""dcdist, object storage and NFS in a comparison: what hosts hold and bring, and what servers tell when they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from shutil import which
from typing import TYPE_CHECKING

import pytest

from benchmarks.compare import race, swift_stock
from benchmarks.compare.contender import Payload, Site
from benchmarks.compare.contenders import dcdist, nfs, object_storage
from benchmarks.compare.payload import NAME, make_random
from benchmarks.compare.scenarios import STORE, build
from benchmarks.measure import BenchmarkError
from tools.lab.digest import digest_of
from tools.lab.network import Network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.compare.contender import Contender, Versions
    from benchmarks.compare.outcome import Race

SIZE = 16 << 20
RATE = 2e8
ALL: tuple[Contender, ...] = (dcdist.CONTENDER, dcdist.EGRESS, object_storage.CONTENDER, nfs.CONTENDER)
TOOLS = ("ip", "tc", "nsenter")
MISSING = sorted(
    {tool for tool in TOOLS if which(tool) is None} | {tool for contender in ALL for tool in contender.missing()}
)

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Versions:
    return make_random(tmp_path_factory.mktemp("images"), SIZE)


@pytest.fixture(scope="module")
def stock(versions: Versions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stock")
    for contender in ALL:
        contender.stock(versions, folder)
    return folder


@pytest.fixture
def site(versions: Versions, stock: Path, tmp_path: Path) -> Iterator[Site]:
    """Two hosts that are to be brought version 2, and hold version 1 once prepared."""
    scenario = build("update", 2, RATE, RATE, SIZE * 8 / RATE)
    payload = Payload(2, versions.second, digest_of(versions.second), versions.first)
    with Network(scenario.links) as network:
        yield Site(network, scenario, payload, tmp_path / "race", stock)


def prepared(site: Site, contender: Contender) -> None:
    for host in site.scenario.hosts:
        site.host_folder(host).mkdir(parents=True)
        contender.prepare(site, host)


def raced(site: Site, contender: Contender, *, call_off: float | None = None) -> Race:
    course = race.Course(site.scenario, site.payload, SIZE, lambda rate: rate / 9, 1.0, site.folder, site.stock)
    return race.run(course, contender, 0, call_off=call_off)


@pytest.mark.parametrize("contender", [object_storage.CONTENDER, nfs.CONTENDER], ids=lambda each: each.name)
def test_every_host_copies_the_whole_image_from_the_server(site: Site, contender: Contender) -> None:
    prepared(site, contender)
    with contender.serve(site):
        before = site.network.counted()[STORE].sent
        for host in site.scenario.hosts:
            job = contender.job(site, host)
            command = [*site.network.command(host), *job.arguments]
            done = subprocess.run(command, env=dict(job.environment), capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            assert digest_of(job.output) == site.payload.digest
        sent = site.network.counted()[STORE].sent - before

    assert 2.0 < sent / site.payload.image.stat().st_size < 2.2


def test_a_race_that_is_called_off_has_not_failed_and_has_no_end(site: Site) -> None:
    outcome = raced(site, nfs.CONTENDER, call_off=0.01)

    assert (outcome.failure, outcome.called_off) == (None, 0.01)
    assert not outcome.ended_well


@pytest.mark.parametrize("contender", [dcdist.CONTENDER, dcdist.EGRESS], ids=lambda each: each.name)
def test_hosts_of_dcdist_draw_what_is_new_in_an_update(site: Site, contender: Contender) -> None:
    outcome = raced(site, contender)

    assert outcome.failure is None
    assert len(outcome.hosts) == 2
    # A quarter is new. Whoever held nothing, or fetched it anew, would take a whole image.
    for host in outcome.hosts:
        assert 0.2 < host.received / SIZE < 0.5
    assert outcome.store_sent / SIZE < 0.75


def test_a_host_holds_version_1_for_itself(site: Site, versions: Versions) -> None:
    prepared(site, dcdist.CONTENDER)

    held = [site.host_folder(host) / "images" / NAME for host in site.scenario.hosts]
    assert {digest_of(image) for image in held} == {digest_of(versions.first)}
    files = [file for host in site.scenario.hosts for file in site.host_folder(host).rglob("*") if file.is_file()]
    assert [file for file in files if file.stat().st_nlink > 1] == []


def test_hosts_hold_nothing_where_there_is_no_earlier_version(site: Site) -> None:
    cold = replace(site, scenario=build("cold", 2, RATE, RATE, 1.0))
    for contender in ALL:
        prepared(replace(cold, folder=site.folder / contender.name), contender)

    assert [each for each in site.folder.rglob("*") if each.is_file()] == []


def test_both_ways_of_dcdist_differ_in_what_they_prefer_alone(site: Site) -> None:
    hurried, sparing = (each.job(site, "h1") for each in (dcdist.CONTENDER, dcdist.EGRESS))

    assert sparing == replace(hurried, arguments=[*hurried.arguments, "--prefer", "egress"])


def test_no_job_sees_the_proxies_of_this_machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://192.0.2.1:3128")

    for contender in ALL:
        assert [name for name in contender.job(site, "h1").environment if "proxy" in name.lower()] == []


def test_only_nfs_needs_a_check_of_its_own(site: Site) -> None:
    assert [each.name for each in ALL if each.job(site, "h1").check] == ["nfs"]


def test_anybody_reads_plain_objects_and_nobody_releases(site: Site) -> None:
    def status(url: str) -> str:
        command = [*site.network.command("h1"), "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--noproxy", "*"]
        return subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout

    plain = swift_stock.plain_url(site, swift_stock.plain_name(1))
    with swift_stock.in_network(site):
        assert status(plain) == "200"
        assert status(plain.replace(f"/{swift_stock.PLAIN}/", "/bench/")) == "401"


def test_the_stock_is_filled_once(versions: Versions, stock: Path) -> None:
    def seen() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in stock.rglob("*")}

    before = seen()
    for contender in ALL:
        contender.stock(versions, stock)

    assert seen() == before


def test_a_publish_that_failed_is_done_again(versions: Versions, tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="publish bench@1"):
        swift_stock.publish(tmp_path, replace(versions, first=tmp_path / "nowhere.xva"))
    swift_stock.publish(tmp_path, versions)

    assert 0.2 < dcdist.layer_bytes(tmp_path, 2) / dcdist.layer_bytes(tmp_path, 1) < 0.3


def test_a_server_that_does_not_start_is_told_as_the_outcome_of_its_race(site: Site) -> None:
    nowhere = replace(site.payload, image=site.stock / "nowhere" / NAME)

    outcome = raced(replace(site, payload=nowhere), nfs.CONTENDER)

    assert outcome.failure is not None
    assert "nowhere is not one" in outcome.failure


def test_a_port_that_is_taken_is_an_error_of_the_benchmark(site: Site) -> None:
    wrapper = site.network.command(STORE)
    listen = f"import socket, sys; s = socket.create_server(('', {swift_stock.PORT})); print('ready', flush=True)"
    command = [*wrapper, sys.executable, "-c", f"{listen}; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(BenchmarkError, match="did not start"), swift_stock.in_network(site):
            pass
        other.communicate()
