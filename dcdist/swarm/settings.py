"""How the BitTorrent session is set up, and why: for a closed swarm of cooperating hosts, in little memory."""

from __future__ import annotations

import resource
import secrets
from functools import cache
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.model.geometry import KIB, MIB
from dcdist.policy.link import request_ahead

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

DISK_BACKEND = "pread_disk_io_constructor"
"""Of the three backends the quickest and cheapest in CPU; `mmap` holds the files in resident memory, `posix` opens the
file for each 16 KiB block and works in the network thread. Its price: finished pieces are in the file after a flush."""

_ALERTS = (
    lt.alert_category.status
    | lt.alert_category.error
    | lt.alert_category.storage
    | lt.alert_category.piece_progress
    | lt.alert_category.connect
)

_OPEN_FILES = 16_384
_DISK_THREADS = 1
"""With several, a piece that fails its check may be lost for good (2.1.1). libtorrent then has the disk forget the
piece's blocks, behind a fence: once none of their writes is counted any more (`pread_disk_io::async_clear_piece`). But
a thread takes the writes that it did off that count before it queues the word of them (`add_completed_jobs_impl`).
Another can run what waits at the fence and queue its word first: the piece is opened again (`on_piece_sync`), and only
then told as written, all of it (`on_disk_write_complete`). Then no block is asked for, `add_piece` leaves out each of
them, and the check, made when the last one comes, is never made. One thread does both in turn, so its words are in
order. More threads bring nothing that could be measured (docs/benchmarks.md)."""
_ENCRYPTION_OFF = 2
_PREFER_TCP = 0


def session_parameters(*, listen: str, source: str) -> lt.session_params:
    """The parameters of a new session.

    `listen` and `source` are what `listen_interface` and `source_address` give; empty for nowhere, and any.
    """
    parameters = lt.session_params()
    parameters.disk_io_constructor = DISK_BACKEND
    parameters.settings = {
        # Who we are. The fingerprint is the whole peer id: all torrents of a session show the same host.
        "user_agent": "dcdist",
        "peer_fingerprint": f"-DC0001-{secrets.token_hex(6)}",
        "listen_interfaces": listen,
        "outgoing_interfaces": source,
        "listen_system_port_fallback": False,  # another port than the one announced is of no use
        "max_retry_port_bind": 0,
        "listen_queue_size": 256,  # a joining host opens one connection for each layer, all at once
        # A closed swarm: hosts are found in the store, never by asking the network.
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,  # 7 to 14 MB/s on loopback, where TCP gives 400
        "enable_incoming_utp": False,
        "mixed_mode_algorithm": _PREFER_TCP,
        "in_enc_policy": _ENCRYPTION_OFF,  # obfuscation doubles the CPU and protects nothing
        "out_enc_policy": _ENCRYPTION_OFF,
        # Everybody gives to everybody.
        "unchoke_slots_limit": -1,
        "close_redundant_connections": False,  # a claimed rest looks finished: links would be cut just before the end
        "allow_multiple_connections_per_ip": True,  # several hosts behind one address, or on one machine
        "connections_limit": 8_000,  # hosts times layers; libtorrent lowers it to what open files allow
        "connection_speed": 500,  # new connections a second: 24 hosts with 64 layers join in seconds
        "smooth_connects": False,
        "peer_turnover": 0,
        # Links are lost and found within seconds.
        "min_reconnect_time": 1,
        "max_failcount": 32,  # beyond what the counter can reach: never give a host up
        "peer_connect_timeout": 5,
        "handshake_timeout": 10,
        "peer_timeout": 8,  # a silent host is dropped; keep-alives go out after half of it
        "request_timeout": 6,  # the most; it follows the peer's own pace, down to 2 s
        "piece_timeout": 6,
        # Full links, but short queues towards the end: what was asked for comes even when the store was quicker, and a
        # host that stalls keeps it from others. 4 MiB a link is enough for 400 MB/s.
        "request_queue_time": request_ahead.USUAL,
        "max_out_request_queue": 256,
        "max_allowed_in_request_queue": 4_000,
        # A request waits behind all data that wait in these, and a link on which answers take long asks for little.
        "send_buffer_low_watermark": 16 * KIB,
        "send_buffer_watermark": 4 * MIB,
        "send_buffer_watermark_factor": 10,
        # What many senders have under way overflows a receiver's queue, and is sent again. Loopback stalls with 32 KiB.
        "send_socket_buffer_size": 48 * KIB,
        "send_not_sent_low_watermark": 16 * KIB,
        "tick_interval": 100,  # rates are given out, and connections opened, once a tick
        "initial_picker_threshold": 0,  # rarest first from the first piece
        "rate_limit_ip_overhead": False,  # limits are meant for payload
        # Disk.
        "hashing_threads": 1,  # it checks 1.4 GB/s; two crash the process when writes fail, as on a full disk (2.1.1)
        "aio_threads": _DISK_THREADS,
        "max_queued_disk_bytes": 16 * MIB,  # beyond it peers are made to wait for the disk
        "file_pool_size": 100,
        "no_recheck_incomplete_resume": True,  # the disk package has checked
        # Alerts: no category that speaks for each block.
        "alert_mask": _ALERTS,
        "alert_queue_size": 100_000,
    }
    return parameters


def listen_interface(address: IPv4Address | IPv6Address, port: int) -> str:
    """Address and port as libtorrent writes them."""
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"


def source_address(address: IPv4Address | IPv6Address) -> str:
    """What outgoing connections are bound to, so that others see the address that we listen on; empty for any."""
    return "" if address.is_unspecified else str(address)


def peer_classes() -> lt.ip_filter:
    """Puts all peers in the global class, so that limits hold for them.

    By default those on private and loopback addresses are in a class of their own, which has none.
    """
    everybody = 1 << lt.session.global_peer_class_id
    classes = lt.ip_filter()
    classes.add_rule("0.0.0.0", "255.255.255.255", everybody)
    classes.add_rule("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", everybody)
    return classes


@cache
def allow_open_files() -> None:
    """Let this process open as many files as a large swarm needs, once: each link is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _OPEN_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
