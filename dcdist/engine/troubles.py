"""Messages about failures that a fetch works around: what failed, where, and what it does about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.engine.fetch_events import Trouble, Troubled
from dcdist.formats import object_names
from dcdist.model.identity import show_address
from dcdist.model.pieces import each

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.errors import StoreError
    from dcdist.model.identity import Address, ReleaseName
    from dcdist.model.layer import Index
    from dcdist.policy.fleet.reachability import Contact, MemberCounts
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import AddressRefused, PeerBanned, PeersLied, PieceFailed

_NAMED = 3
"""Hosts that a message names."""


def store_failed(error: StoreError) -> Troubled:
    """A request to the store failed."""
    place = f"{error.store}/{error.key}" if error.key else error.store
    return Troubled(str(error), Trouble.STORE, place)


def retried(error: StoreError, number: int, delay: float) -> Troubled:
    """A small operation failed for the `number`th time, and is tried again in `delay` seconds."""
    told = store_failed(error)
    return replace(told, message=f"{told.message}; try {number} failed, the next is in {delay:.1f} s")


def request_left(store: Store, key: str) -> Troubled:
    """A request was dropped: it brought nothing for too long, or far less than others."""
    place = f"{store}/{key}"
    return Troubled(
        f"{place}: the request stalled or was far slower than others; it was dropped and will be retried",
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
        f"{place}: bytes {offset} to {offset + size - 1} (piece {event.piece}) are wrong; discarded and requested "
        "again",
        Trouble.CORRUPT,
        place,
    )


def traded_piece_is_wrong(event: PieceFailed) -> Troubled:
    """A piece from peers failed its check."""
    return Troubled(
        f"piece {event.piece} of layer {event.layer} from {_one_of(event.peers)} is wrong; discarded and requested "
        "again",
        Trouble.CORRUPT,
        ", ".join(event.peers),
    )


def copy_is_wrong(event: PieceFailed, place: str) -> Troubled:
    """A piece that was put together from layers of the cache failed its check."""
    return Troubled(
        f"piece {event.piece} of layer {event.layer}, copied from {place}, is wrong: the cache was damaged; the "
        "piece comes from elsewhere",
        Trouble.CORRUPT,
        place,
    )


def cache_is_damaged(layer: CachedLayer) -> Troubled:
    """Pieces of a layer in the cache changed after their check."""
    count = layer.damaged.bit_count()
    which = f"piece {next(each(layer.damaged))}" if count == 1 else f"{count} pieces"
    return Troubled(
        f"{layer.path}: {which} changed on disk; discarded and fetched again. Check the disk of this host",
        Trouble.CORRUPT,
        str(layer.path),
    )


def peers_lied(event: PeersLied) -> Troubled:
    """A peer sent wrong bytes of a piece of which right ones came from elsewhere."""
    return Troubled(
        f"{_one_of(event.peers)} sent wrong bytes of piece {event.piece} of layer {event.layer}; discarded, the "
        "piece came from elsewhere",
        Trouble.CORRUPT,
        ", ".join(event.peers),
    )


def peer_banned(event: PeerBanned) -> Troubled:
    """Nothing more is requested from a peer."""
    return Troubled(
        f"peer {event.peer} sent corrupt data for layer {event.layer} and is banned for that layer. Check the disk of "
        "that host",
        Trouble.BANNED,
        event.peer,
    )


def address_refused(event: AddressRefused) -> Troubled:
    """Links with an address are refused: it had too many, posed as a host, or too many such addresses dial this one."""
    if event.poses_as:
        message = (
            f"{event.address} showed the id of the host that is listed at {event.poses_as} and took the place of its "
            "link; it is refused for a minute. Look at what runs there, unless it is another address of that host"
        )
    elif event.links:
        message = (
            f"{event.address} had {event.links} links with this host for one layer, more than the hosts that are "
            "listed there need; they were cut, and it is refused for a minute. Look at what runs there"
        )
    else:
        message = (
            f"{event.address} was refused: hosts at many addresses that nobody listed dial this one already. If yours "
            "are among them, name them with --peer IP:PORT (peers), or let them use the same store and --realm (realm)"
        )
    return Troubled(message, Trouble.REFUSED, event.address)


def hosts_are_cut_off(cut_off: Sequence[Contact], counts: MemberCounts, own: Address | None) -> Troubled:
    """Hosts are listed and hardly any can be reached; `own` is where this one told them to connect, or listens."""
    named = ", ".join(_silent(contact) for contact in cut_off[:_NAMED])
    more = f" and {len(cut_off) - _NAMED} more" if len(cut_off) > _NAMED else ""
    which, they_run, them = f"{len(cut_off)} of the {counts.listed} hosts that are", "they run", "them"
    if counts.listed == 1:
        which, they_run, them = "the only host that is", "it runs", "it"
    here = "" if own is None else f", here {show_address(own)}"
    return Troubled(
        f"{which} listed cannot be reached: {named}{more}. If {they_run}, a firewall or a wrong address keeps this "
        f"host from {them}. Each host must let the others connect to the TCP port that it announces{here}: "
        "fix the port with --listen IP:PORT (listen), open it, and give --advertise IP:PORT (advertise) where others "
        "need another address. `dcdist doctor` tests it",
        Trouble.UNREACHABLE,
        ", ".join(show_address(contact.place) for contact in cut_off),
    )


def nobody_lets_in(contacts: Sequence[Contact], own: Address | None) -> Troubled:
    """This host may take from other hosts only, and each that answers hangs up; `own` is where this one is found."""
    named = ", ".join(show_address(contact.place) for contact in contacts[:_NAMED])
    more = f" and {len(contacts) - _NAMED} more" if len(contacts) > _NAMED else ""
    here = "IP:PORT" if own is None else show_address(own)
    return Troubled(
        f"other hosts answer and hang up: {named}{more}; this host waits. They trade none of the layers that it "
        f"lacks, or have no room for hosts that they do not know. Start them with --peer {here} (peers), look whether "
        "they have the same release, or omit --no-store (draw=False)",
        Trouble.UNREACHABLE,
        ", ".join(show_address(contact.place) for contact in contacts),
    )


def nobody_gives(release: ReleaseName, realm: str) -> Troubled:
    """This host may take from other hosts only, and none is listed."""
    return Troubled(
        f"no other host is listed in realm {realm}, so nobody is there to give {release}; this host waits. Start a "
        "fetch or a seeder of it, name a host with --peer IP:PORT (peers), or omit --no-store (draw=False)",
        Trouble.RENDEZVOUS,
    )


def _silent(contact: Contact) -> str:
    return show_address(contact.place) + (f" ({contact.failure})" if contact.failure else "")


def _one_of(peers: tuple[str, ...]) -> str:
    match peers:
        case ():
            return "a peer that left"
        case (peer,):
            return f"peer {peer}"
        case _:
            return f"one of the peers {', '.join(peers)}"
