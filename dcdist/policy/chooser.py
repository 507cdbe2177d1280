"""Which pieces to ask the store for next: own stripes first, then help, then whatever nobody delivers."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.policy.lateness import Lateness
from dcdist.policy.planner_commands import Reason
from dcdist.policy.reasons import late_owner, stream
from dcdist.policy.reasons.late_owner import Owners, OwnSpeed
from dcdist.policy.reasons.single_holder import SingleHolder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dcdist.model.identity import HostId
    from dcdist.model.pieces import Bits
    from dcdist.policy.fleet.fleet_window import FleetWindow
    from dcdist.policy.link.link import Link
    from dcdist.policy.preference import Preference
    from dcdist.policy.state.layer_state import LayerState

_PEERS_SILENT = 3.0
"""Seconds without a right byte from peers after which what they hold is drawn from the store."""

_PEERS_BEGIN = 2.0
"""Seconds for which peers hold everything before their pace tells anything: they have just been asked."""

_ADOPT_STRIPES = 3
"""Times in which this host draws a stripe that it waits at least: where the store is slow, all is."""

_LOOKED_AT = 16
"""Stripes of others that are looked at for adoption at once: each costs as much as the prefix has members."""

_RIVALS = 16
"""Members that may turn up while the others are not known yet; or four times those that are."""

LOOK_AGAIN = 0.25
"""Seconds between two looks at what others do, while there is nothing else to go by."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a choice depends on beside the layers.

    `longest`: bytes of the longest request; `stripe_times`: seconds for a stripe of each layer; `limit`: requests
    at once; `peers`: when a peer last gave a right byte, or began to have something to give; `peer_rate`: bytes
    a second from all peers. `room`: peers do not fill this host's link; `idle`: all but nothing comes, from anywhere;
    `tried`: the store has given something, so that room is known; `trying`: it is being asked for something.
    `acquainted`: hosts that began together know each other by now; `known`: other members. `begins`: nothing has come
    from anywhere yet, and this host has met the others.
    """

    longest: int
    stripe_times: dict[int, float]
    limit: int
    peers: Lateness
    peer_rate: float
    room: bool = False
    idle: bool = False
    tried: bool = False
    trying: bool = False
    acquainted: bool = True
    known: int = 0
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """What to draw next, and why: pieces of a layer."""

    layer: int
    pieces: range
    reason: Reason


@dataclass(slots=True)
class _Barred:
    """Pieces of a layer that are not drawn until a time."""

    layer: int
    pieces: Bits
    until: float


@dataclass(slots=True)
class Chooser:
    """The layers of a fetch and the order in which this host would draw from them."""

    host: HostId
    preference: Preference
    turns: FleetWindow
    link: Link
    plans: dict[int, LayerState] = field(default_factory=dict)
    helping: Owners = field(default_factory=Owners)
    single_holder: SingleHolder = field(default_factory=SingleHolder)
    _barred: list[_Barred] = field(default_factory=list)
    _help_again: float = 0.0
    _late_again: float = 0.0
    _all_seen_from: float | None = None
    _probe_at: float = float("-inf")
    _probe_pause: float = 0.0
    _others: Lateness = field(default_factory=lambda: Lateness(0.0))

    def __post_init__(self) -> None:
        self._probe_pause = self.preference.probe_pause

    def bar(self, layer: int, pieces: Bits, *, until: float) -> None:
        """Leave pieces to peers for a while."""
        self._barred.append(_Barred(layer, pieces, until))

    def appeared(self, plan: LayerState, shown: Sequence[int], *, now: float) -> None:
        """These stripes of a layer were seen at peers."""
        self.turns.shown(sum(plan.ownership.covers(stripe) for stripe in shown), now=now)
        if any(not plan.ownership.covers(stripe) and not plan.is_drawn(stripe) for stripe in shown):
            self._others.came(now=now)

    def choose(self, situation: Situation, *, now: float) -> Run | None:
        """The next request; None if there is nothing that this host should draw now."""
        self._barred = [barred for barred in self._barred if now < barred.until]
        if not situation.acquainted:
            sure = self._sure(situation)
            if sure is not None or self.preference.only_sure:
                return sure
        return (
            self._late(situation, now=now)
            or self._own(situation, now=now)
            or self._help(situation, now=now)
            or self._undelivered(situation, now=now)
            or self._single_holder(now=now)
            or self._last(situation)
        )

    def all_seen(self) -> bool:
        """Whether the swarm holds everything: what the store sends from now on are second copies."""
        return not any(plan.unseen for plan in self.plans.values())

    def lacking(self) -> tuple[int, int]:
        """Bytes that this host lacks, in whole pieces, and those of its longest stripe."""
        plans = self.plans.values()
        return sum(plan.lacking_bytes() for plan in plans), max(plan.geometry.stripe_length for plan in plans)

    def drawing(self) -> int:
        """Members with something to draw, this host among them: owners of what nobody holds; all, when that is gone."""
        members = max((plan.ownership.count for plan in self.plans.values()), default=1)
        owners = {self.host}
        for plan in self.plans.values():
            for stripe in plan.stripes_with(plan.unseen & plan.assigned):
                owner = plan.ownership.owner(stripe)
                if owner is not None:
                    owners.add(owner)
                if len(owners) >= members:
                    return members
        return len(owners) if any(plan.unseen for plan in self.plans.values()) else members

    def _sure(self, situation: Situation) -> Run | None:
        """A single stripe that will be this host's own whoever else begins now: no link need idle meanwhile."""
        for layer, plan in self.plans.items():
            wanted = self._drawable(layer, plan.unseen)
            stripe = plan.next_sure(max(_RIVALS, 4 * situation.known)) if wanted else None
            if stripe is not None and plan.of_stripe(stripe, wanted):
                return Run(layer, plan.of_stripe(stripe, wanted), Reason.EARLY)
        return None

    def _drawable(self, layer: int, wanted: Bits) -> Bits:
        for barred in self._barred:
            if barred.layer == layer:
                wanted &= ~barred.pieces
        return wanted

    def _own(self, situation: Situation, *, now: float) -> Run | None:
        if self._window() is not None:
            return self._own_in_turn(situation, now=now)
        for layer, plan in self.plans.items():
            wanted = self._drawable(layer, plan.unseen)
            if not wanted:
                continue
            if wanted != plan.unseen:
                own = (s for s in plan.stripes_with(wanted) if plan.ownership.owner(s) == self.host)
                stripe = next(own, None)
            else:
                stripe = plan.next_own()
            if stripe is not None:
                self._others.came(now=now)
                return Run(layer, plan.fit(plan.of_stripe(stripe, wanted), wanted, situation.longest), Reason.OWN)
        return None

    def _late(self, situation: Situation, *, now: float) -> Run | None:
        """What the sink needs soon and its owner is late with: before own stripes that are needed later."""
        if now < self._late_again:
            return None
        for layer, plan in self.plans.items():
            wanted = self._drawable(layer, plan.unseen & plan.window_pieces)
            if not wanted or plan.ownership.alone:
                continue
            if plan.next_own() in plan.window:
                return None
            run = stream.late(plan, wanted, self.helping, situation.stripe_times[layer], situation.limit, now=now)
            if run is not None:
                self._others.came(now=now)
                return Run(layer, run, Reason.STREAM)
        self._late_again = now + LOOK_AGAIN / 2
        return None

    def _window(self) -> int | None:
        """How many stripes of the prefix have their turn; None: all have."""
        return self.turns.window(max((plan.ownership.bits for plan in self.plans.values()), default=0))

    def _in_turn(self) -> Iterator[tuple[int, LayerState, list[int]]]:
        """Layer by layer the stripes of the prefix that nobody has yet and whose turn it is."""
        left = self._window() or 0
        for layer, plan in self.plans.items():
            stripes = list(islice(plan.stripes_with(plan.unheld), left))
            left -= len(stripes)
            if stripes:
                yield layer, plan, stripes

    def _own_in_turn(self, situation: Situation, *, now: float) -> Run | None:
        for layer, plan, stripes in self._in_turn():
            wanted = self._drawable(layer, plan.unseen)
            own = (s for s in stripes if plan.ownership.owner(s) == self.host and plan.of_stripe(s, wanted))
            stripe = next(own, None)
            if stripe is not None:
                self._others.came(now=now)
                allowed = pieces.of(p for s in stripes for p in plan.geometry.stripe_pieces(s))
                run = plan.fit(plan.of_stripe(stripe, wanted), wanted & allowed, situation.longest)
                return Run(layer, run, Reason.OWN)
        return None

    def _help_in_turn(self, situation: Situation, *, now: float) -> Run | None:
        """A stripe whose turn it is and that does not appear: by rank, all at the same pace."""
        window = self._window() or 1
        ranked = []
        for layer, plan, stripes in self._in_turn():
            # While others of the prefix are at work, what other prefixes lack is not given up either.
            self._others.came(now=now)
            wanted = self._drawable(layer, plan.unseen)
            ranked += [(plan.ownership.rank(s), layer, s) for s in stripes if plan.of_stripe(s, wanted)]
        for rank, layer, stripe in sorted(ranked):
            expected = max(situation.stripe_times[layer], self.turns.stripe_time(window))
            margin = OwnSpeed(expected, expected, self.preference).margin
            if rank and self.turns.overdue(expected, now=now) >= (rank - 1) * margin:
                plan = self.plans[layer]
                return Run(layer, plan.of_stripe(stripe, self._drawable(layer, plan.unseen)), Reason.LATE_OWNER)
        return None

    def _help(self, situation: Situation, *, now: float) -> Run | None:
        if now < self._help_again:
            return None
        in_turn = self._window() is not None
        found = self._help_in_turn(situation, now=now) if in_turn else self._help_owners(situation, now=now)
        found = found or self._other_prefix(situation, now=now)
        if found is None:
            # Going through all stripes costs; what others do changes slowly.
            self._help_again = now + LOOK_AGAIN / 2
        return found

    def _help_owners(self, situation: Situation, *, now: float) -> Run | None:
        unseen = {layer: self._drawable(layer, plan.unseen) for layer, plan in self.plans.items()}
        left = {layer: list(plan.stripes_with(unseen[layer] & plan.assigned)) for layer, plan in self.plans.items()}
        ending = sum(map(len, left.values())) <= max((plan.ownership.count for plan in self.plans.values()), default=0)
        for layer, plan in self.plans.items():
            if plan.ownership.alone:
                continue
            own_time = situation.stripe_times[layer]
            helper = OwnSpeed(own_time, own_time / situation.limit, self.preference)
            for stripe, owner, ahead in late_owner.candidates(plan, left[layer]):
                rank = plan.ownership.rank(stripe)
                if self.helping.should_help(owner, ahead=ahead, rank=rank, helper=helper, ending=ending, now=now):
                    self._others.came(now=now)
                    return Run(layer, plan.of_stripe(stripe, unseen[layer]), Reason.LATE_OWNER)
        return None

    def _other_prefix(self, situation: Situation, *, now: float) -> Run | None:
        """A stripe of another prefix, when nothing comes from there: its members are gone, or cannot be reached."""
        patience = max(self.preference.adopt_after, self.preference.adopt_after_share * (now - self.turns.begun))
        if self._others.overdue(patience, now=now) < 0:
            return None
        for layer, plan in self.plans.items():
            own_time = situation.stripe_times[layer]
            overdue = self._others.overdue(patience, _ADOPT_STRIPES * own_time, now=now)
            wanted = self._drawable(layer, plan.unseen) if plan.ownership.divided else 0
            if not wanted or overdue < 0:
                continue
            helper = OwnSpeed(own_time, own_time / situation.limit, self.preference)
            here = 1 - self.helping.share_gone(helper, now=now)
            for stripe in plan.other_prefix_stripes(wanted)[:_LOOKED_AT]:
                if overdue >= plan.ownership.adoption_place(stripe) * here * self.preference.adopt_turn:
                    return Run(layer, plan.of_stripe(stripe, wanted), Reason.OTHER_PREFIX)
        return None

    def _undelivered(self, situation: Situation, *, now: float) -> Run | None:
        """What peers hold and do not bring: they are silent, too slow, or bring it corrupt."""
        silent = situation.peers.overdue(_PEERS_SILENT, now=now) >= 0
        if silent or situation.peers.overdue(self.preference.unasked_silence, now=now) >= 0:
            why: Reason | None = Reason.SILENT_PEERS
        else:
            why = self._peers_are_slow(situation, now=now)
        for layer, plan in self.plans.items():
            # What peers are bringing now would come twice; from silent ones nothing does.
            undelivered = plan.seen if silent else plan.seen & ~plan.coming if why else 0
            wanted = self._drawable(layer, plan.missing & (plan.corrupt_from_peers | undelivered))
            runs = [(stripe, plan.of_stripe(stripe, wanted)) for stripe in plan.stripes_with(wanted)]
            if runs:
                start, count = plan.ownership.start_of(self.host), plan.geometry.stripe_count
                # Long requests cost the store less; hosts begin at different stripes.
                run = min(runs, key=lambda each: (-len(each[1]), (each[0] - start) % count))[1]
                return Run(layer, run, why or Reason.CORRUPT)
        return None

    def _single_holder(self, *, now: float) -> Run | None:
        wanted = {layer: self._drawable(layer, plan.missing) for layer, plan in self.plans.items()}
        found = self.single_holder.choose(self.plans, wanted, self.link, now=now)
        return None if found is None else Run(*found, Reason.SINGLE_HOLDER)

    def _last(self, situation: Situation) -> Run | None:
        """One of the last stripes that peers hold, whoever was left to bring it, since the link is idle.

        The one with the least rank: all hosts wait for the same ones, and begin with different ones.
        """
        for layer, plan in self.plans.items() if situation.idle else ():
            wanted = self._drawable(layer, plan.missing & plan.seen)
            stripes = list(plan.stripes_with(wanted))
            if stripes:
                run = plan.of_stripe(min(stripes, key=plan.ownership.rank), wanted)
                return Run(layer, run, Reason.IDLE_LINK)
        return None

    def _peers_are_slow(self, situation: Situation, *, now: float) -> Reason | None:
        """Why what peers hold is drawn although they give: the swarm holds everything, and still takes long."""
        if any(plan.unseen for plan in self.plans.values()):
            self._all_seen_from = None
            return None
        if self._all_seen_from is None:
            self._all_seen_from = now
        if self.preference.offers_unproven and situation.begins:
            # Whoever offers everything may give nothing: first requests need not wait until that shows.
            return Reason.UNPROVEN_OFFERS
        if now - self._all_seen_from < _PEERS_BEGIN:
            return None
        missing = sum(plan.missing_bytes() for plan in self.plans.values())
        stripe_time = max(situation.stripe_times.values())
        if situation.room:
            self._probe_pause = self.preference.probe_pause
            # Nothing is pushed out: worth it as long as the stripe comes before peers would have brought it.
            return Reason.SLACK if missing > situation.peer_rate * stripe_time else None
        patience = 3.0 + 2 * stripe_time
        if self.preference.probe_pause < float("inf"):
            if missing <= situation.peer_rate * patience or now < self._probe_at:
                return None
            # Each time after twice as long, or a large release would be drawn by trying.
            self._probe_at, self._probe_pause = now + self._probe_pause, 2 * self._probe_pause
            return Reason.PROBE
        # A rate of nothing may be that of peers that have just begun: that is for silence to tell. Who knows what the
        # store gave goes by its room alone: much that is missing takes long on a full link too. So one request tells.
        untried = not situation.tried and not situation.trying
        hopeless = missing > situation.peer_rate * patience * self.preference.slow_peers > 0
        return Reason.PROBE if untried and hopeless else None
