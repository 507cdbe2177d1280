"""A layer as a torrent. All of it follows from the index, so hosts never exchange torrent files.

Invariant: hosts with the same index compute the same torrent, whatever they hold of the layer.
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.model.pieces import to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcdist.model.identity import Address
    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits
    from dcdist.ports.layers import CachedLayer

FLAGS = {
    "apply_ip_filter": True,  # without it a peer can have us dial any address (ADR 27)
    "no_verify_files": True,  # the disk package has checked the data
    "duplicate_is_error": True,  # a layer is added once
    # Peers come from heartbeats alone. These are switched off for the session too.
    "disable_dht": True,
    "disable_lsd": True,
    "disable_pex": True,
    # Ready and running at once, with no queue of torrents.
    "paused": False,
    "auto_managed": False,
    "stop_when_ready": False,
    "update_subscribe": False,  # nobody asks for `state_update_alert`
    # Pieces have the priorities that the planner gives them, and are offered as they come.
    "default_dont_download": False,
    "sequential_download": False,
    "upload_mode": False,
    "super_seeding": False,
    "share_mode": False,
    "seed_mode": False,  # it would check pieces only as they are read
    # There are no trackers and no web seeds.
    "override_trackers": False,
    "override_web_seeds": False,
}
"""All that libtorrent can switch on for a torrent, and whether it is on. A test finds what a new release adds."""

_BITS = [[bool(byte >> bit & 1) for bit in range(8)] for byte in range(256)]
_ABSENT_OR_PRESENT = b"0" + b"1" * 255


def torrent_parameters(layer: CachedLayer, peers: Iterable[Address] = ()) -> lt.add_torrent_params:
    """What libtorrent needs to trade a cached layer. It trusts the layer's `have` and checks nothing again.

    `peers` are dialled at once; hosts named later wait for libtorrent's tick, up to a second.
    """
    parameters = lt.load_torrent_buffer(_torrent(layer.index))
    parameters.save_path = str(layer.path.parent)
    parameters.renamed_files = {0: layer.path.name}
    parameters.have_pieces = _as_list(layer.have, layer.index.geometry.piece_count)
    parameters.peers = list(peers)
    parameters.flags = reduce(or_, (getattr(lt.torrent_flags, name) for name, is_on in FLAGS.items() if is_on))
    return parameters


def present(counts: list[int] | list[bool]) -> Bits:
    """The pieces with a count above zero; quick even for many pieces."""
    return _bits(counts, _ABSENT_OR_PRESENT)


def _bits(counts: list[int] | list[bool], digits: bytes) -> Bits:
    if not counts:
        return 0
    try:
        raw = bytes(counts)
    except ValueError:
        raw = bytes(min(count, 255) for count in counts)
    return int(raw[::-1].translate(digits), 2)


def _torrent(index: Index) -> bytes:
    """A torrent file, written by hand: all hosts must get the same bytes."""
    name, geometry, hashes = index.layer.encode(), index.geometry, index.piece_hashes
    return b"d4:infod6:lengthi%de4:name%d:%s12:piece lengthi%de6:pieces%d:%s7:privatei1eee" % (
        geometry.length, len(name), name, geometry.piece_length, len(hashes), hashes,
    )  # fmt: skip


def _as_list(bits: Bits, count: int) -> list[bool]:
    return [bit for byte in to_bytes(bits, count) for bit in _BITS[byte]][:count]
