"""What is said when something fails and is worked around: what, where, and what is done about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.engine.fetch_events import Trouble, Troubled
from dcdist.formats import object_names
from dcdist.model.pieces import each

if TYPE_CHECKING:
    from dcdist.errors import StoreError
    from dcdist.model.layer import Index
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import PeerBanned, PeersLied, PieceFailed


def store_failed(error: StoreError) -> Troubled:
    """A request to the store did not bring what it was for."""
    place = f"{error.store}/{error.key}" if error.key else error.store
    return Troubled(str(error), Trouble.STORE, place)


def retried(error: StoreError, number: int, delay: float) -> Troubled:
    """A small operation failed for the `number`th time, and is tried again in `delay` seconds."""
    told = store_failed(error)
    return replace(told, message=f"{told.message}; try {number} failed, the next is in {delay:.1f} s")


def request_left(store: Store, key: str) -> Troubled:
    """A request was given up that brought nothing for too long, or far less than others."""
    place = f"{store}/{key}"
    return Troubled(
        f"{place}: no byte for too long, or few beside other requests; the request was left and its rest is asked for "
        "anew",
        Trouble.STORE,
        place,
    )


def drawn_piece_is_wrong(event: PieceFailed, index: Index, store: Store) -> Troubled:
    """A piece from the store failed its check."""
    start = event.piece * index.geometry.piece_length
    segment, offset = divmod(start, index.geometry.segment_length)
    place = f"{store}/{object_names.layer_segment(index.layer, segment)}"
    size = index.geometry.piece_size(event.piece)
    return Troubled(
        f"{place}: bytes {offset} to {offset + size - 1} (piece {event.piece}) are wrong; thrown away and asked for "
        "again",
        Trouble.CORRUPT,
        place,
    )


def traded_piece_is_wrong(event: PieceFailed) -> Troubled:
    """A piece from peers failed its check."""
    return Troubled(
        f"piece {event.piece} of layer {event.layer} from {_one_of(event.peers)} is wrong; thrown away and asked for "
        "again",
        Trouble.CORRUPT,
        ", ".join(event.peers),
    )


def copy_is_wrong(event: PieceFailed, place: str) -> Troubled:
    """A piece that was put together from layers of the cache failed its check."""
    return Troubled(
        f"piece {event.piece} of layer {event.layer}, copied from {place}, is wrong: the cache was damaged; it comes "
        "from elsewhere",
        Trouble.CORRUPT,
        place,
    )


def cache_is_damaged(layer: CachedLayer) -> Troubled:
    """Pieces of a layer in the cache were changed since they were checked."""
    count = layer.damaged.bit_count()
    which = f"piece {next(each(layer.damaged))} is" if count == 1 else f"{count} pieces are"
    return Troubled(
        f"{layer.path}: {which} not what was written there; thrown away, fetched anew. Look at the disk of this host",
        Trouble.CORRUPT,
        str(layer.path),
    )


def peers_lied(event: PeersLied) -> Troubled:
    """Wrong bytes of a peer were mixed with right ones from elsewhere."""
    return Troubled(
        f"{_one_of(event.peers)} gave wrong bytes of piece {event.piece} of layer {event.layer}; thrown away, the "
        "piece came from elsewhere",
        Trouble.CORRUPT,
        ", ".join(event.peers),
    )


def peer_banned(event: PeerBanned) -> Troubled:
    """A peer is not asked any more."""
    return Troubled(
        f"peer {event.peer} gave wrong bytes of layer {event.layer} and is asked for nothing more of it; look at the "
        "disk of that host",
        Trouble.BANNED,
        event.peer,
    )


def _one_of(peers: tuple[str, ...]) -> str:
    match peers:
        case ():
            return "a peer that left"
        case (peer,):
            return f"peer {peer}"
        case _:
            return f"one of the peers {', '.join(peers)}"
