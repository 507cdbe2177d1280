"""What is the state of one layer, and which of its pieces does nobody hold yet?

Invariant: a piece is in exactly one state here: had, in flight (in a draw, or drawn and not checked yet), or missing; a
missing one may be seen at peers. Those that were `corrupt_from_peers` are not left to them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.policy.state.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcdist.model.geometry import Geometry
    from dcdist.model.identity import HostId, LayerName
    from dcdist.model.pieces import Bits


class LayerState:
    """One layer of a fetch, as this host sees it."""

    def __init__(
        self, name: LayerName, geometry: Geometry, host: HostId, have: Bits, *, in_order: bool = False
    ) -> None:
        self.geometry = geometry
        self.ownership = Ownership(name, geometry.stripe_count, host, in_order=in_order)
        self.have = have
        self.in_flight: Bits = 0
        self.seen: Bits = 0
        self.coming: Bits = 0
        self.requested: Bits = 0
        self._offered: Bits = 0
        self.corrupt_from_peers: Bits = 0
        self.window = range(0)
        self._shown: Bits = 0
        self._all = pieces.span(0, geometry.piece_count)
        self._host = host
        self.to_bring = self.lacking_bytes()
        self._own: list[int] | None = None
        self._assigned_bits = 0
        self._assigned = self._all

    def reassign(self) -> None:
        """Members changed, or pieces are missing again: own stripes are put in order anew when next asked for."""
        self._own = None

    @property
    def window_pieces(self) -> Bits:
        """The pieces of the stripes that the sink needs soon; none unless the order is that of a stream."""
        per_stripe = self.geometry.pieces_per_stripe
        return self._all & pieces.span(self.window.start * per_stripe, self.window.stop * per_stripe)

    def move_window(self, window: range) -> None:
        """These stripes come first from now on."""
        if window != self.window:
            self.window = window
            self.reassign()

    def place(self, owner: HostId, stripe: int) -> int:
        """Where a stripe stands in its owner's order: the window from its front, then round from the owner's start."""
        count = self.geometry.stripe_count
        return stripe - count if stripe in self.window else (stripe - self.ownership.start_of(owner)) % count

    def round_of(self, owner: HostId) -> Sequence[int]:
        """The stripes that a member owns, in the order in which it draws them."""
        listed = self.ownership.round_of(owner)
        return sorted(listed, key=lambda stripe: self.place(owner, stripe)) if self.window else listed

    @property
    def missing(self) -> Bits:
        """The pieces that are neither had nor in flight."""
        return self._all & ~self.have & ~self.in_flight

    @property
    def complete(self) -> bool:
        """Whether all pieces are had."""
        return self.have == self._all

    @property
    def unseen(self) -> Bits:
        """The missing pieces that no peer holds: only the store has them, or somebody is drawing them."""
        return self.missing & ~self.seen

    @property
    def assigned(self) -> Bits:
        """The pieces of the stripes that this prefix shares among its members."""
        if self._assigned_bits != self.ownership.bits:
            self._assigned_bits = self.ownership.bits
            spans = (self.geometry.stripe_pieces(stripe) for stripe in self.ownership.group)
            self._assigned = pieces.of(piece for span in spans for piece in span)
        return self._assigned

    @property
    def unheld(self) -> Bits:
        """The pieces of the prefix's stripes that neither this host nor a peer has; some may be in a draw."""
        return self.assigned & ~self.have & ~self.seen

    def other_prefix_stripes(self, wanted: Bits) -> list[int]:
        """The stripes with wanted pieces that other prefixes share among their members, from this host's start on."""
        start = self.ownership.start_of(self._host)
        found = [stripe for stripe in self.stripes_with(wanted) if not self.ownership.covers(stripe)]
        return sorted(found, key=lambda stripe: (stripe - start) % self.geometry.stripe_count)

    def offer(self, seen: Bits) -> bool:
        """Peers hold these now; whether there are missing ones among them that none had before."""
        fresh = seen & self.missing & ~self._offered
        self._offered |= seen
        return bool(fresh)

    def newly_shown(self) -> list[int]:
        """The stripes of which all pieces are now had here or seen at peers; each is told once."""
        there = self.seen | self.have
        shown = []
        for stripe in self.stripes_with(there & ~self._shown):
            span = self.geometry.stripe_pieces(stripe)
            bits = pieces.span(span.start, span.stop)
            if there & bits == bits:
                shown.append(stripe)
                self._shown |= bits
        return shown

    def is_shown(self, stripe: int) -> bool:
        """Whether `newly_shown` has told a stripe."""
        return bool(self._shown >> stripe * self.geometry.pieces_per_stripe & 1)

    def is_drawn(self, stripe: int) -> bool:
        """Whether this host asked the store for a piece of a stripe."""
        return bool(self.of_stripe(stripe, self.requested))

    def missing_bytes(self) -> int:
        """Bytes of the missing pieces (the last counted in full)."""
        return self.missing.bit_count() * self.geometry.piece_length

    def lacking_bytes(self) -> int:
        """Bytes of the pieces that are not had (the last counted in full)."""
        return (self._all & ~self.have).bit_count() * self.geometry.piece_length

    def stripes_of(self, bits: Bits) -> float:
        """Stripes to which so many pieces add up."""
        return bits.bit_count() / self.geometry.pieces_per_stripe

    def of_stripe(self, stripe: int, wanted: Bits) -> range:
        """The first run of `wanted` pieces of a stripe; empty if there is none."""
        span = self.geometry.stripe_pieces(stripe)
        bits = (wanted >> span.start) & ((1 << len(span)) - 1)
        if not bits:
            return range(0)
        first = (bits & -bits).bit_length() - 1
        run = bits >> first
        length = (run ^ (run + 1)).bit_length() - 1
        return range(span.start + first, span.start + first + length)

    def next_own(self) -> int | None:
        """The next own stripe with pieces that nobody else has; None if there is none."""
        if self._own is None:
            self._own = list(self.round_of(self._host))
            self._own.reverse()
        unseen = self.unseen
        while self._own:
            if self.of_stripe(self._own[-1], unseen):
                return self._own[-1]
            self._own.pop()
        return None

    def fit(self, run: range, wanted: Bits, limit: int) -> range:
        """Lengthen a run over the own stripes that follow, up to `limit` bytes and to the end of its segment."""
        geometry = self.geometry
        per_stripe = geometry.pieces_per_stripe
        stop = run.stop
        while stop % per_stripe == 0 and stop < geometry.piece_count:
            stripe = stop // per_stripe
            if stripe % geometry.stripes_per_segment == 0:
                break
            if self.ownership.owner(stripe) != self._host:
                break
            more = self.of_stripe(stripe, wanted)
            if more.start != stop or (more.stop - run.start) * geometry.piece_length > limit:
                break
            stop = more.stop
        return range(run.start, stop)

    def stripes_with(self, wanted: Bits) -> Iterator[int]:
        """The stripes that hold `wanted` pieces, in rising order."""
        last = -1
        per_stripe = self.geometry.pieces_per_stripe
        for piece in pieces.each(wanted):
            if piece // per_stripe != last:
                last = piece // per_stripe
                yield last
