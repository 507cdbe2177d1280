"""A plain BitTorrent client on libtorrent, tuned for a LAN of cooperating hosts; a process of its own.

    python -m benchmarks.compare.torrent_client TORRENT FOLDER ADDRESS[:PORT] [PEER:PORT] [--super-seed]

Prints `complete` when the whole file is checked and written, and goes on seeding until it is ended; with a peer it
links to that one at once, and ends when it is complete. A super-seed (BEP 16) offers each piece to one peer at first.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import libtorrent as lt

from benchmarks.compare.torrent import COMPLETE

_POLL_SECONDS = 0.05
_ANNOUNCE_SECONDS = 3.0
_SETTINGS: lt.settings_pack = {
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "in_enc_policy": 2,
    "out_enc_policy": 2,
    "unchoke_slots_limit": -1,
    "allow_multiple_connections_per_ip": True,
    "min_reconnect_time": 1,
    "connection_speed": 500,
    "smooth_connects": False,
    "peer_turnover": 0,
    "close_redundant_connections": False,
    "request_queue_time": 1,
    "max_out_request_queue": 256,
    "request_timeout": 6,
    "piece_timeout": 6,
    "send_buffer_watermark": 4 << 20,
    "send_buffer_low_watermark": 1 << 20,
    "tick_interval": 100,
    "initial_picker_threshold": 0,
    "min_announce_interval": 1,
    "urlseed_wait_retry": 1,
    "urlseed_timeout": 10,
    # By default 16 MiB in sequence: hosts that start together would ask the web seed for the same bytes.
    "urlseed_max_request_bytes": 1 << 20,
    "disable_hash_checks": False,
    "alert_mask": lt.alert_category.storage | lt.alert_category.status | lt.alert_category.error,
}


def main() -> int:
    """Fetch or seed until ended."""
    parser = argparse.ArgumentParser()
    for name in ("torrent", "folder", "address"):
        parser.add_argument(name)
    parser.add_argument("peer", nargs="?", default="")
    parser.add_argument("--super-seed", action="store_true")
    options = parser.parse_args()
    address, peer = options.address, options.peer
    session = lt.session({**_SETTINGS, "listen_interfaces": address if ":" in address else f"{address}:0"})
    parameters = lt.load_torrent_file(options.torrent)
    parameters.save_path = str(Path(options.folder))
    parameters.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    if options.super_seed:
        parameters.flags |= lt.torrent_flags.super_seeding
    handle = session.add_torrent(parameters)
    if peer:
        host, _, port = peer.rpartition(":")
        handle.connect_peer((host, int(port)))
    announced = time.monotonic()
    complete = False
    while True:
        if not complete and handle.status().is_seeding:
            _flush(session, handle)
            print(COMPLETE, flush=True)
            if peer:
                return 0
            complete = True
        if not complete and time.monotonic() - announced >= _ANNOUNCE_SECONDS:
            # Trackers want half an hour between announcements; hosts that start together cannot wait for that.
            handle.force_reannounce(0, -1, lt.reannounce_flags_t.ignore_min_interval)
            announced = time.monotonic()
        session.wait_for_alert(int(_POLL_SECONDS * 1000))
        session.pop_alerts()


def _flush(session: lt.session, handle: lt.torrent_handle) -> None:
    """Wait until the last piece is in the file."""
    handle.flush_cache()
    while not any(isinstance(alert, lt.cache_flushed_alert) for alert in session.pop_alerts()):
        session.wait_for_alert(1000)


if __name__ == "__main__":
    sys.exit(main())
