"""Hosts in networks of their own: which of them trade with nothing but the defaults, and what they say if they cannot.

Each host is a network namespace; the store is a directory that all of them see.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from dcdist.formats import heartbeat
from tests.support.commands import dcdist, demo, running, wait_for
from tools.lab.network import Link, Network

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.commands import Demo

__all__ = ["demo"]

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: network namespaces"),
]

LAYERS = 4_000_000
"""Bytes of the layers of a release, without a little."""

IPV6_ONLY = """
for name in all default lo eth0; do echo 0 > /proc/sys/net/ipv6/conf/$name/disable_ipv6; done
ip address flush dev eth0
ip address add {address}/64 dev eth0 nodad
"""


@pytest.fixture(autouse=True)
def _nobody_listed(demo: Demo) -> None:
    """Seeders of earlier tests were killed, so their heartbeats are still there."""
    shutil.rmtree(demo.folder / "store" / "swarm", ignore_errors=True)


@contextmanager
def lan() -> Iterator[Network]:
    """Two hosts, `a` and `b`, on a network without a way out."""
    with Network({"a": Link.of("1gbit"), "b": Link.of("1gbit")}) as network:
        yield network


def run(network: Network, host: str, script: str) -> None:
    """Run lines of a shell on a host."""
    subprocess.run([*network.command(host), "sh", "-ec", script], check=True, timeout=30)


def arguments(demo: Demo, command: str, folder: Path, *more: str) -> list[object]:
    """A fetch or a seeder of `web@1` with the defaults."""
    dest = ["--dest", folder / "images", "--seed-for", "0"] if command == "fetch" else []
    return [
        command, "web@1", "--store", demo.store, "--trust", demo.trust, "--cache", folder / "cache", *dest, "--json",
        *more,
    ]  # fmt: skip


def trade(network: Network, demo: Demo, folder: Path) -> None:
    """Have `a` seed and `b` fetch from it alone."""
    with running(*arguments(demo, "seed", folder / "a"), wrapper=network.command("a")) as seeder:
        wait_for(seeder, "seeding")
        done = dcdist(*arguments(demo, "fetch", folder / "b", "--no-store"), wrapper=network.command("b"))
    assert done.code == 0, done
    fetched = done.last("fetched")
    assert fetched["bytes"]["store"] == 0
    assert fetched["bytes"]["peers"] >= LAYERS
    assert fetched["members"] == {"listed": 1, "linked": 1, "unreachable": 0}
    assert [each["message"] for each in done.records if each["event"] == "troubled"] == []


def test_hosts_without_a_default_route_trade(demo: Demo, tmp_path: Path) -> None:
    with lan() as network:
        trade(network, demo, tmp_path)


def test_hosts_with_ipv6_only_trade(demo: Demo, tmp_path: Path) -> None:
    with lan() as network:
        for number, host in enumerate(("a", "b"), 1):
            run(network, host, IPV6_ONLY.format(address=f"fd77::{number}"))
        trade(network, demo, tmp_path)


def test_a_seeder_whose_address_changes_is_found_again(demo: Demo, tmp_path: Path) -> None:
    with lan() as network, running(*arguments(demo, "seed", tmp_path / "a"), wrapper=network.command("a")) as seeder:
        wait_for(seeder, "seeding")
        assert announced(demo) == ["198.18.0.1"]
        run(network, "a", "ip address flush dev eth0; ip address add 198.18.0.50/24 dev eth0")
        done = dcdist(*arguments(demo, "fetch", tmp_path / "b", "--no-store"), wrapper=network.command("b"))
        assert done.code == 0, done
        assert done.last("fetched")["bytes"]["peers"] >= LAYERS
        assert announced(demo) == ["198.18.0.50"]


def announced(demo: Demo) -> list[str]:
    """The addresses of the heartbeats in the store."""
    members = [heartbeat.parse(path.name) for path in (demo.folder / "store" / "swarm" / "web" / "default").iterdir()]
    return [member.address for member in members if member is not None]


def test_hosts_that_cannot_reach_each_other_say_so_and_end_well(demo: Demo, tmp_path: Path) -> None:
    with lan() as network:
        for host, other in (("a", "b"), ("b", "a")):
            # What is sent to the other goes to a device that nobody has: dropped without a word, as by a firewall.
            nobody = f"ip neighbour replace {network.address(other)} lladdr 02:00:00:00:00:99 dev eth0 nud permanent"
            run(network, host, nobody)
        with running(*arguments(demo, "seed", tmp_path / "a"), wrapper=network.command("a")) as seeder:
            wait_for(seeder, "seeding")
            # Drawing alone takes 13 seconds, twice as long as it takes to be sure.
            slow = ("--store-rate", "300kB")
            done = dcdist(*arguments(demo, "fetch", tmp_path / "b", *slow), wrapper=network.command("b"))
            told = wait_for(seeder, "troubled")
    assert done.code == 0, done
    troubles = [each for each in done.records if each["event"] == "troubled"]
    assert [each["kind"] for each in (told, *troubles)] == ["unreachable", "unreachable"]
    assert troubles[0]["source"].startswith("198.18.0.1:")
    assert "the only host that is listed cannot be reached: 198.18.0.1:" in troubles[0]["message"]
    assert "--listen IP:PORT" in troubles[0]["message"]
    assert told["source"].startswith("198.18.0.2:")
    fetched = done.last("fetched")
    assert fetched["members"] == {"listed": 1, "linked": 0, "unreachable": 1}
    assert fetched["advertised"].startswith("198.18.0.2:")
    assert fetched["bytes"]["peers"] == 0
