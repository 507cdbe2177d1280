"""The session's settings that others rely on."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from dcdist.swarm.session import _rate
from dcdist.swarm.settings import listen_interface, peer_classes, send_buffers, session_parameters, source_address


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.0.9", "8.8.8.8", "::1", "fd00::1"]
)
def test_limits_hold_for_every_address(address: str) -> None:
    assert peer_classes().access(address) == 1


def test_the_swarm_is_closed() -> None:
    chosen = session_parameters(listen="", source="").settings
    for way in ("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"):
        assert chosen[way] is False


def test_one_thread_checks_pieces() -> None:
    # With two, libtorrent 2.1.1 uses freed memory after writes failed: it crashed within 200 sessions on a full disk.
    assert session_parameters(listen="", source="").settings["hashing_threads"] == 1


def test_one_thread_reads_and_writes() -> None:
    # With several, libtorrent 2.1.1 lost pieces that had failed their check: about one fetch in 30 never ended.
    assert session_parameters(listen="", source="").settings["aio_threads"] == 1


def test_each_session_is_a_host_of_its_own_with_a_whole_peer_id() -> None:
    ids = {session_parameters(listen="", source="").settings["peer_fingerprint"] for _ in range(3)}
    assert [len(peer_id) for peer_id in ids] == [20, 20, 20]


@pytest.mark.parametrize(
    ("hosts", "kernel", "waiting"), [(0, 344_064, 114_688), (7, 49_152, 16_384), (63, 49_152, 16_384)]
)
def test_the_more_hosts_there_are_the_less_waits_for_each(hosts: int, kernel: int, waiting: int) -> None:
    assert send_buffers(hosts) == {"send_socket_buffer_size": kernel, "send_buffer_low_watermark": waiting}


def test_a_session_begins_as_if_there_were_no_others() -> None:
    chosen = session_parameters(listen="", source="").settings
    assert (chosen["send_socket_buffer_size"], chosen["send_buffer_low_watermark"]) == (344_064, 114_688)


@pytest.mark.parametrize(
    ("address", "interface", "source"),
    [
        ("10.0.0.5", "10.0.0.5:6881", "10.0.0.5"),
        ("0.0.0.0", "0.0.0.0:6881", ""),
        ("fd00::5", "[fd00::5]:6881", "fd00::5"),
        ("::", "[::]:6881", ""),
    ],
)
def test_addresses_are_written_as_libtorrent_reads_them(address: str, interface: str, source: str) -> None:
    parsed = ip_address(address)
    assert (listen_interface(parsed, 6881), source_address(parsed)) == (interface, source)


@pytest.mark.parametrize(
    ("rate", "setting"), [(None, 0), (0.4, 1), (20e6, 20_000_000), (5e9, 2_147_483_646), (1e24, 2_147_483_646)]
)
def test_a_high_limit_does_not_wrap_around_to_a_low_one(rate: float | None, setting: int) -> None:
    assert _rate(rate) == setting
