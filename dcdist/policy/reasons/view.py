"""What may a choice look at? All that this host knows, and what follows from it at once.

Invariant: reasons only read it. `ViewKeeper` enters what events tell, planner and chooser what they do themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from dcdist.policy.fleet.acquaintance import Acquaintance
from dcdist.policy.fleet.fleet_window import FleetWindow
from dcdist.policy.fleet.owners import Owners, OwnSpeed
from dcdist.policy.lateness import Lateness
from dcdist.policy.link.link import Link
from dcdist.policy.link.throughput import Throughput
from dcdist.policy.link.unpaid_time import UnpaidTime
from dcdist.policy.requests.behind_first import BehindFirst
from dcdist.policy.requests.dealings import Dealings
from dcdist.policy.rules import Rule
from dcdist.policy.state.barred import Barred
from dcdist.policy.state.draws import Draws
from dcdist.policy.state.members import Members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.identity import HostId
    from dcdist.model.pieces import Bits
    from dcdist.policy.planner_commands import Reason
    from dcdist.policy.planner_options import PlannerOptions
    from dcdist.policy.preference import Preference
    from dcdist.policy.state.layer_state import LayerState

LOOK_AGAIN = 0.25
"""Seconds between two looks at what others do, while there is nothing else to go by."""

REST = LOOK_AGAIN / 2
"""Seconds for which a reason rests that went through all stripes in vain: what others do changes slowly."""


@dataclass(frozen=True, slots=True)
class Run:
    """What to draw next, and why: pieces of a layer."""

    layer: int
    pieces: range
    reason: Reason

    def cut(self, most: int, turn: int) -> Run:
        """One part of it, of `most` pieces at most: the one whose turn it is of them all."""
        parts = -(-len(self.pieces) // most)
        first = turn % parts * most
        return replace(self, pieces=self.pieces[first : first + most])


class View:
    """The layers by their numbers, in the order of the release, and what is known of store, link, peers and fleet.

    `peer_rate`: bytes a second from all peers; `peers`: when one last gave a right byte, or began to have something to
    give; `others`: when other prefixes last showed something new, or the own one last had work for this host;
    `betrayed`: a peer gave a wrong piece; `linked`: hosts that are linked now, None before anybody has looked.
    """

    def __init__(self, options: PlannerOptions, without: frozenset[Rule] = frozenset()) -> None:
        """`without`: rules that are off."""
        self._without = without
        self.host: HostId = options.host
        self.preference: Preference = options.preference
        self.layers: dict[int, LayerState] = {}
        self.barred = Barred()
        self.draws = Draws(self.layers)
        self.store = Dealings.of(options)
        self.link = Link(slack_after=options.preference.slack_after)
        self.peer_rate = Throughput()
        self.peers = Lateness(options.begun)
        self.others = Lateness(0.0)
        self.unpaid = UnpaidTime(options.begun)
        self.betrayed = False
        self.linked: int | None = None
        self.behind_first = BehindFirst(options.preference)
        self.owners = Owners()
        self.members = Members(options.version, self.layers)
        self.acquaintance = Acquaintance(options.acquainted_from)
        self.fleet_window = FleetWindow(options.acquainted_from)

    def follows(self, rule: Rule) -> bool:
        """Whether a rule is on."""
        return rule not in self._without

    # Layers

    def drawable(self, layer: int, wanted: Bits) -> Bits:
        """Those of the `wanted` pieces of a layer that may be drawn."""
        return self.barred.drawable(layer, wanted)

    def unseen(self) -> Iterator[tuple[int, LayerState, Bits]]:
        """Layer by layer the drawable pieces that only the store has, or that somebody is drawing."""
        for layer, state in self.layers.items():
            yield layer, state, self.drawable(layer, state.unseen)

    @property
    def asks_nothing(self) -> bool:
        """Whether pieces are missing that may be drawn, and no request is under way."""
        if self.draws.active:
            return False
        return any(self.drawable(layer, state.missing) for layer, state in self.layers.items())

    @property
    def all_seen(self) -> bool:
        """Whether the swarm holds everything: what the store sends from now on are second copies."""
        return not any(state.unseen for state in self.layers.values())

    @property
    def missing(self) -> int:
        """Bytes of the missing pieces."""
        return sum(state.missing_bytes() for state in self.layers.values())

    @property
    def lacking(self) -> int:
        """Bytes of the pieces that are not had."""
        return sum(state.lacking_bytes() for state in self.layers.values())

    @property
    def to_bring(self) -> int:
        """Bytes of the pieces that were not had when their layers opened."""
        return sum(state.to_bring for state in self.layers.values())

    @property
    def longest_stripe(self) -> int:
        """Bytes of it."""
        return max((state.geometry.stripe_length for state in self.layers.values()), default=1)

    # Store

    @property
    def longest_request(self) -> int:
        """Bytes of the longest request; no request is for less than a piece."""
        size = self.store.size
        limit = size.limit if self.follows(Rule.LONG_REQUESTS) else 0
        limit = limit or self.longest_stripe
        if self.follows(Rule.SMALL_PARTS):
            return min(limit, size.part(self.to_bring))
        return limit

    def stripe_time(self, layer: int) -> float:
        """Seconds in which this host draws a stripe."""
        return self.store.size.seconds_for(self.layers[layer].geometry.stripe_length)

    @property
    def longest_stripe_time(self) -> float:
        """Seconds in which this host draws the longest; a second while it has drawn nothing."""
        return self.store.size.seconds_for(self.longest_stripe)

    def speed(self, layer: int) -> OwnSpeed:
        """How fast this host draws stripes of a layer."""
        own_time = self.stripe_time(layer)
        return OwnSpeed(own_time, own_time / self.store.concurrency.limit, self.preference)

    # Fleet

    @property
    def most_members(self) -> int:
        """Members of the layer that most share, this host among them."""
        return max((state.ownership.count for state in self.layers.values()), default=0)

    def drawing(self) -> int:
        """Members with something to draw, this host among them: owners of what nobody holds; all, when that is gone."""
        members = max(1, self.most_members)
        owners = {self.host}
        for state in self.layers.values():
            for stripe in state.stripes_with(state.unseen & state.assigned):
                owner = state.ownership.owner(stripe)
                if owner is not None:
                    owners.add(owner)
                if len(owners) >= members:
                    return members
        return members if self.all_seen else len(owners)

    @property
    def window(self) -> int | None:
        """How many stripes of the prefix have their turn; None: all have."""
        if not self.follows(Rule.FLEET_WINDOW):
            return None
        return self.fleet_window.window(max((state.ownership.bits for state in self.layers.values()), default=0))

    def in_turn(self) -> Iterator[tuple[int, LayerState, list[int]]]:
        """Layer by layer the stripes of the prefix that nobody has yet and whose turn it is."""
        left = self.window or 0
        for layer, state in self.layers.items():
            stripes = list(islice(state.stripes_with(state.unheld), left))
            left -= len(stripes)
            if stripes:
                yield layer, state, stripes
