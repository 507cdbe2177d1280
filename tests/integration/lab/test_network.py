"""The lab's networks: hosts reach each other and nothing else, and leave nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tools.lab.network import Link, Network, parse_rate

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]
CONNECT = "import socket, sys; print(socket.create_connection((sys.argv[1], int(sys.argv[2])), 5).recv(9).decode())"


def test_a_host_reaches_another_and_this_machine_is_not_there() -> None:
    with Network({"store": Link.of("1gbit"), "host": Link.of("1gbit")}) as network:
        with network.entered("store"), socket.create_server(("0.0.0.0", 0)) as server:
            port = server.getsockname()[1]
            command = [*network.command("host"), sys.executable, "-c", CONNECT, network.address("store"), str(port)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
                connection, (address, _) = server.accept()
                with connection:
                    connection.sendall(b"welcome")
                assert client.communicate()[0] == "welcome\n"
        assert address == network.address("host")
        routes = subprocess.run(
            [*network.command("host"), "ip", "route"], capture_output=True, text=True, check=True
        ).stdout
        assert [line.split()[0] for line in routes.splitlines()] == ["198.18.0.0/24"]


def test_a_link_has_the_rate_that_it_was_last_given() -> None:
    with Network({"one": Link.of("100mbit")}) as network:
        network.shape("one", Link.of("20mbit", "30mbit"))
        shown = subprocess.run(
            [*network.command("one"), "tc", "class", "show", "dev", "eth0"], capture_output=True, text=True, check=True
        ).stdout
        assert "rate 20Mbit ceil 20Mbit" in shown


def test_a_pulled_cable_has_no_carrier() -> None:
    with Network({"one": Link.of("100mbit")}) as network:
        network.plug("one", connected=False)
        shown = subprocess.run(
            [*network.command("one"), "ip", "link", "show", "eth0"], capture_output=True, text=True, check=True
        ).stdout
        assert "NO-CARRIER" in shown


def test_nothing_is_left_when_the_network_is() -> None:
    before = os.readlink("/proc/thread-self/ns/net")
    with Network({"one": Link.of("100mbit")}) as network:
        holder = Path(network.command("one")[1].partition("=")[2])
        assert os.readlink(holder) != before
        with network.entered("one"):
            assert os.readlink("/proc/thread-self/ns/net") == os.readlink(holder)
    assert os.readlink("/proc/thread-self/ns/net") == before
    assert not holder.exists()


def test_a_rate_without_a_unit_of_bits_is_refused() -> None:
    assert parse_rate("1gbit") == 1e9
    with pytest.raises(ValueError, match="is not a rate"):
        parse_rate("1GB")
