"""The swarm is never a reason to fail where the store works, and whoever goes without it is told."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support import refused_netlink
from tests.support.commands import dcdist, running, wait_for

if TYPE_CHECKING:
    from tests.support.commands import Demo, Done

LAYERS = 4_000_000
"""Bytes of the layers of a release, without a little."""

WITHOUT_NETLINK = [sys.executable, str(Path(refused_netlink.__file__))]
no_filter = pytest.mark.skipif(
    platform.machine() not in refused_netlink.MACHINES, reason="system calls are filtered on known machines only"
)


def defaults(demo: Demo, host: Path, *more: str) -> list[str | Path]:
    """A fetch with the defaults, and no seeding."""
    return [word for word in demo.fetch("web@1", host, "--seed-for", "10m", *more) if word != "--no-swarm"]


def ended_alone(done: Done, cause: str) -> None:
    """It brought everything from the store, says why it was alone, and nothing is left that seeds."""
    assert done.code == 0, done
    assert done.err == ""
    (trouble,) = [each for each in done.records if each["event"] == "troubled"]
    assert trouble["kind"] == "host"
    assert cause in trouble["message"]
    assert "goes on from the store alone" in trouble["message"]
    assert [each for each in done.records if each["event"] == "seeding"] == []
    fetched = done.last("fetched")
    assert fetched["bytes"]["store"] > LAYERS
    assert (fetched["listening"], fetched["advertised"]) == (None, None)


@no_filter
def test_where_libtorrent_cannot_listen_a_fetch_goes_on_from_the_store(demo: Demo, tmp_path: Path) -> None:
    ended_alone(dcdist(*defaults(demo, tmp_path), wrapper=WITHOUT_NETLINK), "AF_NETLINK")


@no_filter
@pytest.mark.parametrize("more", [["--no-store"], ["--listen", "127.0.0.1:0"]])
def test_where_it_cannot_listen_a_fetch_ends_that_needs_it(demo: Demo, tmp_path: Path, more: list[str]) -> None:
    done = dcdist(*defaults(demo, tmp_path, *more), wrapper=WITHOUT_NETLINK)
    assert (done.code, done.last("error")["kind"]) == (7, "SwarmError")
    assert "AF_NETLINK" in done.last("error")["message"]


def test_without_libtorrent_a_fetch_goes_on_from_the_store(demo: Demo, tmp_path: Path) -> None:
    ended_alone(dcdist(*defaults(demo, tmp_path), environment=_broken_libtorrent(tmp_path)), "libboost is not there")


def test_without_libtorrent_a_fetch_ends_that_needs_it(demo: Demo, tmp_path: Path) -> None:
    done = dcdist(*defaults(demo, tmp_path, "--no-store"), environment=_broken_libtorrent(tmp_path))
    assert (done.code, done.last("error")["kind"]) == (7, "SwarmError")
    assert "pip install" in done.last("error")["message"]


def _broken_libtorrent(folder: Path) -> dict[str, str]:
    """The environment of a host whose libtorrent cannot be imported."""
    (folder / "modules").mkdir()
    (folder / "modules" / "libtorrent.py").write_text("raise ImportError('libboost is not there')\n")
    return {"PYTHONPATH": str(folder / "modules")}


def test_a_host_that_takes_from_others_only_says_at_once_that_nobody_is_there(demo: Demo, tmp_path: Path) -> None:
    alone = defaults(demo, tmp_path, "--no-store", "--listen", "127.0.0.1:0", "--realm", "empty")
    with running(*alone) as fetch:
        told = wait_for(fetch, "troubled")
    assert told["kind"] == "rendezvous"
    assert "no other host is listed in realm empty, so nobody is there to give web@1" in told["message"]


# Two hosts of which one, or each, announces a port where nobody listens, as behind a firewall.


def seeder_nobody_can_dial(demo: Demo, folder: Path, realm: str) -> list[str | Path]:
    """A seeder that the others look for at port 9."""
    return [
        "seed", "web@1", "--store", demo.store, "--trust", demo.trust, "--cache", folder / "seeder", "--json",
        "--listen", "127.0.0.1:0", "--advertise", "127.0.0.1:1029", "--realm", realm,
    ]  # fmt: skip


def test_hosts_that_cannot_connect_to_each_other_say_so_and_end_well(demo: Demo, tmp_path: Path) -> None:
    with running(*seeder_nobody_can_dial(demo, tmp_path, "apart")) as seeder:
        wait_for(seeder, "seeding")
        # Drawing alone takes 13 seconds, twice as long as it takes to be sure.
        hidden = ("--listen", "127.0.0.1:0", "--advertise", "127.0.0.1:1030", "--realm", "apart", "--seed-for", "0")
        done = dcdist(*defaults(demo, tmp_path, *hidden, "--store-rate", "300kB"))
        told = wait_for(seeder, "troubled", kind="unreachable")
    assert done.code == 0, done
    doubt, trouble = [each for each in done.records if each["event"] == "troubled"]
    assert doubt["kind"] == "rendezvous"
    assert "announces port 1030 and listens on" in doubt["message"]
    assert (trouble["kind"], trouble["source"]) == ("unreachable", "127.0.0.1:1029")
    assert told["source"] == "127.0.0.1:1030"
    assert "127.0.0.1:1029 (connection refused)" in trouble["message"]
    assert "here 127.0.0.1:1030: fix the port with --listen" in trouble["message"]
    fetched = done.last("fetched")
    assert fetched["members"] == {"listed": 1, "linked": 0, "unreachable": 1}
    assert fetched["advertised"] == "127.0.0.1:1030"


def test_a_host_that_cannot_be_dialled_and_dials_counts_as_linked(demo: Demo, tmp_path: Path) -> None:
    with running(*seeder_nobody_can_dial(demo, tmp_path, "half")) as seeder:
        wait_for(seeder, "seeding")
        found = ("--listen", "127.0.0.1:0", "--realm", "half", "--seed-for", "0", "--no-store")
        # Slow enough for the seeder to tell of it meanwhile, about once a second.
        done = dcdist(*defaults(demo, tmp_path, *found, "--down-rate", "1MB"))
        while not wait_for(seeder, "progress")["bytes"]["given"]:
            pass
    assert done.code == 0, done
    assert [each for each in done.records if each["event"] == "troubled"] == []
    assert done.last("fetched")["members"] == {"listed": 1, "linked": 1, "unreachable": 0}
