"""The settings of the BitTorrent session and their reasons: a closed swarm of cooperating hosts, in little memory."""

from __future__ import annotations

import resource
from functools import cache
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.model.geometry import MIB
from dcdist.policy.link import request_ahead
from dcdist.policy.link.send_buffer import send_buffer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Address, IPv6Address

    from dcdist.model.identity import HostId

DISK_BACKEND = "pread_disk_io_constructor"
"""The quickest of the three backends, and the cheapest in CPU. `mmap` holds the files in resident memory; `posix` opens
the file for each 16 KiB block and works in the network thread. The price: a piece that passed is in the file only after
a flush."""

TICK = 0.1
"""Seconds between two ticks of libtorrent: rates are shared out and hosts dialled once a tick."""

_ALERTS = (
    lt.alert_category.status
    | lt.alert_category.error
    | lt.alert_category.storage
    | lt.alert_category.piece_progress
    | lt.alert_category.connect
    | lt.alert_category.ip_block
)

_OPEN_FILES = 16_384
_DISK_THREADS = 1
"""With several threads, a piece that fails its check may be lost for good (2.1.1). libtorrent makes the disk forget the
piece's blocks behind a fence: when no write of them is outstanding (`pread_disk_io::async_clear_piece`). But a thread
uncounts its writes before it queues their completion (`add_completed_jobs_impl`). Another thread can run the fenced job
and queue its completion first: the piece is opened again (`on_piece_sync`), and only then is all of it reported as
written (`on_disk_write_complete`). From then on no block is requested, `add_piece` skips every block, and the check,
which follows the last block, never runs. A single thread does both in turn, so its completions are in order. More
threads gave no measurable gain (docs/benchmark-history.md)."""
_ENCRYPTION_OFF = 2
_PREFER_TCP = 0


def session_parameters(*, listen: str, source: str, peer_id: bytes) -> lt.session_params:
    """The parameters of a new session.

    `listen` is from `listen_interfaces` (empty: listen nowhere), `source` from `source_address` (empty: any address).
    """
    parameters = lt.session_params()
    parameters.disk_io_constructor = DISK_BACKEND
    parameters.ip_filter = only([])  # nobody is known yet
    parameters.settings = {
        # The fingerprint is the whole peer id, so all torrents of a session show the same host.
        "user_agent": "dcdist",
        "peer_fingerprint": peer_id.decode("ascii"),
        "listen_interfaces": listen,
        "outgoing_interfaces": source,
        "listen_system_port_fallback": False,  # no other host would know another port
        "max_retry_port_bind": 0,
        "listen_queue_size": 256,  # a joining host opens a connection for each layer, all at once
        # A closed swarm: hosts are found in the store, never by asking the network.
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "no_connect_privileged_ports": True,  # no host listens there, and a peer can name ports (ADR 27)
        "support_share_mode": False,
        "announce_crypto_support": False,
        "enable_outgoing_utp": False,  # 7 to 14 MB/s on loopback, where TCP gives 400
        "enable_incoming_utp": False,
        "mixed_mode_algorithm": _PREFER_TCP,
        "in_enc_policy": _ENCRYPTION_OFF,  # obfuscation doubles the CPU and protects nothing
        "out_enc_policy": _ENCRYPTION_OFF,
        # Every host gives to every other.
        "unchoke_slots_limit": -1,
        "close_redundant_connections": False,  # a layer whose missing pieces are all reserved looks finished
        "allow_multiple_connections_per_ip": True,  # several hosts behind one address, or on one machine
        "connections_limit": 8_000,  # hosts times layers; libtorrent lowers it to the limit of open files
        **peer_list(0),
        "connection_speed": 500,  # new connections a second: 24 hosts with 64 layers join in seconds
        "smooth_connects": False,
        "peer_turnover": 0,
        # Links are lost and found within seconds.
        **dialling(hasty=False),
        "max_failcount": 5,  # each of our own dials, every 5 s, takes one failure back: no wanted host is given up
        "peer_connect_timeout": 5,
        "handshake_timeout": 10,
        "peer_timeout": 8,  # silent hosts are dropped; keep-alives are sent at half of it
        "request_timeout": 6,  # the longest; it follows the peer's own pace, down to 2 s
        "piece_timeout": 6,
        # Full links, but short queues towards the end: requested blocks come even if the store was quicker, and a host
        # that stalls keeps them from others. 4 MiB a link is enough for 400 MB/s.
        "request_queue_time": request_ahead.USUAL,
        "max_out_request_queue": 256,
        "max_allowed_in_request_queue": 4_000,
        # A request waits behind all data in the buffers, and a link with slow answers sends few requests. The kernel's
        # buffer alone bounds what it has not sent: the wheel has no `send_not_sent_low_watermark` (ADR 12).
        "send_buffer_watermark": 4 * MIB,
        "send_buffer_watermark_factor": 10,
        **send_buffers(0),
        "initial_picker_threshold": 0,  # rarest first from the first piece
        "rate_limit_ip_overhead": False,  # our limits are payload rates
        # Disk.
        "hashing_threads": 1,  # one checks 1.4 GB/s; two crash when a write fails, as on a full disk (2.1.1)
        "aio_threads": _DISK_THREADS,
        "max_queued_disk_bytes": 16 * MIB,  # beyond it, peers wait for the disk
        "file_pool_size": 100,
        "no_recheck_incomplete_resume": True,  # the disk package has checked the data
        # No category with an alert for each block.
        "alert_mask": _ALERTS,
        "alert_queue_size": 100_000,
    }
    return parameters


def peer_id_of(host: HostId) -> bytes:
    """The peer id by which other hosts know the links of this host: the end of its id, whose beginning many share."""
    return f"-DC0001-{host[-12:]}".encode("ascii")


def dialling(*, hasty: bool) -> lt.settings_pack:
    """How soon hosts are dialled: usually once a second, a second or more after a failure; `hasty`: at each tick.

    libtorrent does what it does once a second at each tick, and ticks each millisecond, if the interval of its ticks is
    negative (2.1; for its own tests). So this is for moments. A release that does not know it dials up to 1 s later.
    """
    ticks = round(TICK * 1000)
    return {"min_reconnect_time": 0 if hasty else 1, "tick_interval": -ticks if hasty else ticks}


def peer_list(hosts: int) -> lt.settings_pack:
    """The most endpoints of a layer that libtorrent remembers, linked or not, when so many hosts are wanted.

    Beside these and the links of guests there is little room for endpoints that peers name.
    """
    return {"max_peerlist_size": 384 + 2 * hosts}


def send_buffers(hosts: int) -> lt.settings_pack:
    """The settings that change with the number of other hosts that are known."""
    size = send_buffer(hosts)
    return {
        "send_socket_buffer_size": size,  # of links that are made from then on
        # What may wait in the client, whatever the link's rate: 16 KiB with seven others, 112 with one. There, 64 KiB
        # brought 1 GiB in 1.86 s, with 0.6 s of the seeder's CPU; 16 KiB in 2.01 s, with 0.85 s.
        "send_buffer_low_watermark": size // 3,
    }


def listen_interfaces(addresses: Sequence[IPv4Address | IPv6Address], port: int) -> str:
    """Addresses with one port as libtorrent writes them."""
    return ",".join(f"[{each}]:{port}" if each.version == 6 else f"{each}:{port}" for each in addresses)


def source_address(addresses: Sequence[IPv4Address | IPv6Address]) -> str:
    """The address of outgoing connections, so that others see the one we listen on; empty for any."""
    return "" if any(each.is_unspecified for each in addresses) else ",".join(map(str, addresses))


def only(addresses: Iterable[str]) -> lt.ip_filter:
    """Lets through these addresses and no others, whoever dials."""
    return _by_address(1, dict.fromkeys(addresses, 0))


GUEST_LIMIT = 160
"""The number of connections at which guests are refused, as percents are written by libtorrent: 100/160 of all."""


def peer_classes(guest_class: int, wanted: Iterable[str]) -> lt.ip_filter:
    """Puts all peers in the global class, so that rate limits hold for them, and those not `wanted` in `guest_class`.

    By default, peers on private and loopback addresses are in a class of their own, without limits.
    """
    everybody = 1 << lt.session.global_peer_class_id
    return _by_address(everybody | 1 << guest_class, dict.fromkeys(wanted, everybody))


def _by_address(usual: int, others: dict[str, int]) -> lt.ip_filter:
    rules = lt.ip_filter()
    rules.add_rule("0.0.0.0", "255.255.255.255", usual)
    rules.add_rule("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", usual)
    for address, value in others.items():
        rules.add_rule(address, address, value)
    return rules


@cache
def allow_open_files() -> None:
    """Raise this process's limit of open files for a large swarm, once: each link is one file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
