"""The session's settings that others rely on."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, cast

import libtorrent as lt
import pytest

from dcdist.model.identity import HostId
from dcdist.swarm.session import _rate
from dcdist.swarm.settings import (
    listen_interfaces,
    only,
    peer_classes,
    peer_id_of,
    peer_list,
    send_buffers,
    session_parameters,
    source_address,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def settings() -> Mapping[str, object]:
    """The settings of a session that listens nowhere."""
    parameters = session_parameters(listen="", source="", peer_id=peer_id_of(HostId("7" * 20 + "0123456789ab")))
    return cast("Mapping[str, object]", parameters.settings)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.0.9", "8.8.8.8", "::1", "fd00::1"]
)
def test_limits_hold_for_every_address_wanted_or_not(address: str) -> None:
    assert peer_classes(3, ()).access(address) == 0b1001
    assert peer_classes(3, [address]).access(address) == 1


def test_the_swarm_is_closed() -> None:
    chosen = settings()
    for way in ("enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"):
        assert chosen[way] is False


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "::1", "::ffff:10.0.0.1", "fd00::7"])
def test_at_first_nobody_is_let_through(address: str) -> None:
    parameters = session_parameters(listen="", source="", peer_id=peer_id_of(HostId("7" * 32)))
    assert parameters.ip_filter.access(address) == 1


def test_those_who_are_admitted_are_let_through_and_no_others() -> None:
    rules = only(["10.0.0.2", "fd00::2"])
    assert [rules.access(each) for each in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "::ffff:10.0.0.2")] == [1, 0, 1, 1]
    assert [rules.access(each) for each in ("fd00::1", "fd00::2", "fd00::3")] == [1, 0, 1]


def test_ports_of_the_system_are_not_dialled() -> None:
    assert settings()["no_connect_privileged_ports"] is True


def test_the_more_hosts_are_wanted_the_more_are_remembered() -> None:
    assert [peer_list(hosts)["max_peerlist_size"] for hosts in (0, 64)] == [384, 512]


SWITCHED_ON = {
    # Ours.
    "allow_multiple_connections_per_ip", "enable_incoming_tcp", "enable_outgoing_tcp", "no_connect_privileged_ports",
    "no_recheck_incomplete_resume", "seeding_outgoing_connections", "send_redundant_have", "strict_end_game_mode",
    "use_parole_mode", "enable_ip_notifier", "ignore_limits_on_local_network", "no_atime_storage",
    # Of what is off: DHT, local discovery, trackers, web seeds, proxies, uTP.
    "apply_filter_to_dht", "apply_ip_filter_to_trackers", "ban_web_seeds", "broadcast_lsd", "dht_aggressive_lookups",
    "dht_extended_routing_table", "dht_ignore_dark_internet", "dht_prefer_verified_node_ids",
    "dht_restrict_routing_ips", "dht_restrict_search_ips", "prefer_udp_trackers", "proxy_hostnames",
    "proxy_peer_connections", "proxy_tracker_connections", "rate_limit_utp", "report_web_seed_downloads",
    "ssrf_mitigation", "validate_https_trackers", "dont_count_slow_torrents",
    # Without effect in this release, or of its disk and its figures.
    "allow_partial_disk_writes", "auto_sequential", "contiguous_recv_buffer", "low_prio_disk",
    "report_redundant_bytes", "use_disk_read_ahead", "use_read_cache", "use_write_cache",
}  # fmt: skip
"""All that is on in a session, by our choice or by libtorrent's: an upgrade that switches on more fails here."""


def test_nothing_else_is_switched_on() -> None:
    session = lt.session(session_parameters(listen="", source="", peer_id=peer_id_of(HostId("7" * 32))))
    chosen = cast("Mapping[str, object]", session.get_settings())
    assert {name for name, value in chosen.items() if value is True} == SWITCHED_ON


def test_one_thread_checks_pieces() -> None:
    # With two, libtorrent 2.1.1 uses freed memory after writes failed: it crashed within 200 sessions on a full disk.
    assert settings()["hashing_threads"] == 1


def test_one_thread_reads_and_writes() -> None:
    # With several, libtorrent 2.1.1 lost pieces that had failed their check: about one fetch in 30 never ended.
    assert settings()["aio_threads"] == 1


def test_hosts_are_told_apart_by_the_ends_of_their_ids_in_a_whole_peer_id() -> None:
    assert settings()["peer_fingerprint"] == "-DC0001-0123456789ab"
    ids = {peer_id_of(host) for host in (HostId("0" * 32), HostId("0" * 31 + "1"), HostId("0" * 20 + "1" * 12))}
    assert [len(peer_id) for peer_id in ids] == [20, 20, 20]


@pytest.mark.parametrize(
    ("hosts", "kernel", "waiting"), [(0, 344_064, 114_688), (7, 49_152, 16_384), (63, 49_152, 16_384)]
)
def test_the_more_hosts_there_are_the_less_waits_for_each(hosts: int, kernel: int, waiting: int) -> None:
    assert send_buffers(hosts) == {"send_socket_buffer_size": kernel, "send_buffer_low_watermark": waiting}


def test_a_session_begins_as_if_there_were_no_others() -> None:
    chosen = settings()
    assert (chosen["send_socket_buffer_size"], chosen["send_buffer_low_watermark"]) == (344_064, 114_688)


@pytest.mark.parametrize(
    ("addresses", "interfaces", "source"),
    [
        (["10.0.0.5"], "10.0.0.5:6881", "10.0.0.5"),
        (["0.0.0.0"], "0.0.0.0:6881", ""),
        (["fd00::5"], "[fd00::5]:6881", "fd00::5"),
        (["::"], "[::]:6881", ""),
        (["0.0.0.0", "::"], "0.0.0.0:6881,[::]:6881", ""),
    ],
)
def test_addresses_are_written_as_libtorrent_reads_them(addresses: list[str], interfaces: str, source: str) -> None:
    parsed = [ip_address(address) for address in addresses]
    assert (listen_interfaces(parsed, 6881), source_address(parsed)) == (interfaces, source)


@pytest.mark.parametrize(
    ("rate", "setting"), [(None, 0), (0.4, 1), (20e6, 20_000_000), (5e9, 2_147_483_646), (1e24, 2_147_483_646)]
)
def test_a_high_limit_does_not_wrap_around_to_a_low_one(rate: float | None, setting: int) -> None:
    assert _rate(rate) == setting
