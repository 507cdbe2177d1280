"""What the system says of routes and interfaces."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from dcdist.node.interfaces import Routes, read_routes, server_addresses, source_towards

_LAN_WITHOUT_A_WAY_OUT = """
set -e
ip link set lo up
ip link add down0 type veth peer name down1
ip address add 10.66.0.1/24 dev down0
ip link add lan0 type veth peer name other0
ip address add 10.77.0.1/24 dev lan0
ip -6 address add fd77::1/64 dev lan0 nodad
ip link set other0 up
ip link set lan0 up
exec "$0" -c '
import socket
from dcdist.node.interfaces import read_routes
print([read_routes(family, None) for family in (socket.AF_INET, socket.AF_INET6)])
'
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: network namespaces")
def test_interfaces_that_are_up_are_found_without_a_default_route() -> None:
    command = ["unshare", "--net", "sh", "-c", _LAN_WITHOUT_A_WAY_OUT, sys.executable]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    assert told.stdout == f"{[Routes(interfaces=('10.77.0.1',)), Routes(interfaces=('fd77::1',))]}\n"


def test_loopback_is_not_among_the_interfaces() -> None:
    assert "127.0.0.1" not in read_routes(socket.AF_INET, None).interfaces
    assert "::1" not in read_routes(socket.AF_INET6, None).interfaces


def test_the_source_address_of_a_route_is_found() -> None:
    assert source_towards("127.0.0.1", socket.AF_INET) == "127.0.0.1"
    assert read_routes(socket.AF_INET, "127.0.0.1").to_store == "127.0.0.1"


def test_a_server_is_looked_up_and_one_without_an_address_is_not_an_error() -> None:
    assert server_addresses("127.0.0.1") == {socket.AF_INET: "127.0.0.1"}
    assert server_addresses("::1") == {socket.AF_INET6: "::1"}
    assert server_addresses("a" * 300) == {}
