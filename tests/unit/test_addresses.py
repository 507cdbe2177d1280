"""Which address others are told: the one asked for, else the one that they reach best, as it is now."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

import pytest

from dcdist.engine.fetch_options import Reach
from dcdist.node.addresses import OwnAddress, choose
from dcdist.node.interfaces import Routes

IPV4, IPV6 = socket.AF_INET, socket.AF_INET6
NOTHING = Routes()
LAN = Routes(interfaces=("10.77.0.1",))
LAN_IPV6 = Routes(interfaces=("fd00::1",))
HERE = Routes(to_store="127.0.0.1")
NO_OTHER = "this host has no address but 127.0.0.1: only hosts on this machine can reach it"


@dataclass
class System:
    """What a host's system says of its network; a test changes it."""

    ipv4: Routes = NOTHING
    ipv6: Routes = NOTHING
    looked_up: list[str] = field(default_factory=list)
    servers: list[str | None] = field(default_factory=list)

    def own(self, reach: Reach | None = None, store_host: str = "store") -> OwnAddress:
        return OwnAddress(reach or Reach(), store_host, read=self._read, look_up=self._look_up)

    def _read(self, family: socket.AddressFamily, server: str | None) -> Routes:
        self.servers.append(server)
        return self.ipv6 if family is IPV6 else self.ipv4

    def _look_up(self, host: str) -> dict[socket.AddressFamily, str]:
        self.looked_up.append(host)
        return {IPV4: "10.0.0.9"}


def listening(own: OwnAddress) -> list[tuple[str, int]]:
    """Where a host listens that found port 6881 free."""
    return [(address, 6881) for address, _ in own.listen]


def announced(system: System, reach: Reach | None = None, store_host: str = "store") -> str | None:
    """The address for a host that listens on port 6881."""
    own = system.own(reach, store_host)
    found = own.now(listening(own))
    assert found is None or found[1] == 6881
    return found and found[0]


def doubt(system: System, reach: Reach | None = None, store_host: str = "store") -> str:
    own = system.own(reach, store_host)
    found = own.now(listening(own))
    assert found is not None
    return own.doubt(found, listening(own))


def test_an_address_that_was_asked_for_is_told() -> None:
    system = System(Routes(to_store="10.0.0.5"))
    assert announced(system, Reach(listen=("10.9.9.9", 0))) == "10.9.9.9"
    assert system.own(Reach(listen=("10.9.9.9", 0), advertise=("10.8.8.8", 7000))).now([("10.9.9.9", 6881)]) == (
        "10.8.8.8",
        7000,
    )


@pytest.mark.parametrize("listen", [None, ("0.0.0.0", 6881)])
def test_else_it_is_the_one_towards_the_store(listen: tuple[str, int] | None) -> None:
    system = System(Routes("10.0.0.5", "172.16.0.1", ("192.168.0.1",)))
    assert announced(system, Reach(listen=listen)) == "10.0.0.5"


def test_or_the_one_towards_anywhere() -> None:
    system = System(Routes(None, "172.16.0.1", ("192.168.0.1",)), Routes(None, "fd00::1"))
    assert announced(system, store_host="") == "172.16.0.1"
    assert announced(system, Reach(listen=("::", 0))) == "fd00::1"


def test_or_one_of_an_interface_that_is_up_before_loopback() -> None:
    assert announced(System(LAN), store_host="") == "10.77.0.1"
    assert announced(System(LAN)) == "10.77.0.1"
    assert announced(System(LAN, LAN_IPV6), Reach(listen=("::", 0)), store_host="") == "fd00::1"


def test_interfaces_count_in_their_order_and_addresses_that_nobody_gave_come_last() -> None:
    assert choose([Routes(interfaces=("169.254.7.7", "10.77.0.1", "172.17.0.1"))]) == "10.77.0.1"
    assert choose([Routes(interfaces=("169.254.7.7",))]) == "169.254.7.7"
    assert choose([NOTHING, NOTHING]) is None


def test_a_directory_without_a_network_is_shared_on_this_machine_only() -> None:
    assert announced(System(), store_host="") == "127.0.0.1"
    assert announced(System(), Reach(listen=("::", 0)), store_host="") == "::1"
    assert doubt(System(), store_host="") == NO_OTHER


@pytest.mark.parametrize(
    ("system", "address"),
    [
        (System(Routes("127.0.0.1", "10.0.0.5")), "10.0.0.5"),
        (System(Routes("127.0.0.1", None, ("10.0.0.5",))), "10.0.0.5"),
        (System(LAN, Routes("::1")), "10.77.0.1"),
        (System(HERE, LAN_IPV6), "fd00::1"),
    ],
)
def test_a_store_on_loopback_may_be_the_end_of_a_tunnel_and_does_not_win_over_a_real_address(
    system: System, address: str
) -> None:
    assert announced(system) == address
    assert doubt(system) == ""
    assert announced(system, Reach(listen=("127.0.0.1", 0))) == "127.0.0.1"
    assert doubt(system, Reach(listen=("127.0.0.1", 0))) == ""


def test_a_host_without_any_address_announces_none() -> None:
    assert announced(System()) is None


def test_a_host_listens_in_both_families_unless_it_is_told_where() -> None:
    assert System().own().listen == (("0.0.0.0", 0), ("::", 0))
    assert System().own(Reach(listen=("10.9.9.9", 6881))).listen == (("10.9.9.9", 6881),)


def test_a_host_announces_the_family_in_which_it_reaches_the_store_and_ipv4_if_either_is_as_good() -> None:
    assert announced(System(LAN, LAN_IPV6)) == "10.77.0.1"
    assert announced(System(NOTHING, LAN_IPV6)) == "fd00::1"
    assert announced(System(LAN, Routes(to_store="fd00::1"))) == "fd00::1"


def test_an_address_of_a_family_that_is_not_listened_on_is_not_found() -> None:
    own = System(LAN, Routes(to_store="fd00::1")).own()
    assert own.now([("0.0.0.0", 6881)]) == ("10.77.0.1", 6881)
    assert own.now([]) is None


def test_a_host_that_listens_in_both_families_may_be_told_to_announce_either() -> None:
    assert doubt(System(LAN), Reach(listen=None, advertise=("fd00::5", 6881))) == ""
    assert doubt(System(LAN), Reach(listen=None, advertise=("10.0.0.5", 6881))) == ""


def test_an_announced_port_that_nobody_chose_to_listen_on_is_doubted() -> None:
    told = doubt(System(LAN), Reach(advertise=("10.0.0.5", 7000)))
    assert "announces port 7000 and listens on 6881, which was free by chance" in told
    assert "--listen 0.0.0.0:7000" in told
    assert doubt(System(LAN), Reach(listen=("0.0.0.0", 6881), advertise=("10.0.0.5", 7000))) == ""


def test_an_address_that_changes_is_found_again_and_the_store_is_looked_up_once() -> None:
    system = System(Routes(to_store="10.77.0.1"))
    own = system.own()
    assert own.now(listening(own)) == ("10.77.0.1", 6881)
    system.ipv4 = Routes(to_store="10.77.0.50")
    assert own.now(listening(own)) == ("10.77.0.50", 6881)
    assert system.looked_up == ["store"]
    assert system.servers == ["10.0.0.9", None, "10.0.0.9", None]


def test_an_announced_address_of_another_family_is_doubted() -> None:
    listening = Reach(listen=("0.0.0.0", 6881), advertise=("fd00::5", 6881))
    assert "listens on IPv4 only, and announces fd00::5" in doubt(System(LAN, LAN_IPV6), listening)
    assert "--listen [::]:PORT" in doubt(System(LAN, LAN_IPV6), listening)
    assert doubt(System(LAN), Reach(listen=("0.0.0.0", 6881), advertise=("10.0.0.5", 6881))) == ""


def test_loopback_is_doubted_where_the_store_is_elsewhere() -> None:
    loopback, all_ipv4 = Reach(listen=("127.0.0.1", 0)), Reach(listen=("0.0.0.0", 0))
    assert "announces 127.0.0.1, so only hosts on the same machine" in doubt(System(LAN), loopback)
    assert "--listen [fd00::1]:PORT" in doubt(System(NOTHING, LAN_IPV6), all_ipv4, store_host="")
    assert doubt(System(HERE), loopback) == ""
    assert doubt(System(HERE)) == NO_OTHER
    assert doubt(System(LAN), loopback, store_host="") == ""
