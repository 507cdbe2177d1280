"""One planner among peers and members that claim what they like, beside a store that always answers.

Bytes of peers count as useful only as far as whole pieces come of them, as with a real swarm. Time moves in steps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.model.geometry import MIB, Geometry
from dcdist.model.member import Member, Role
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import AskFirst, Draw, Drop, GiveUp, Reason
from dcdist.policy.planner_events import (
    BytesDrawn,
    DrawFinished,
    DrawNeedless,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersLack,
    PeersSeen,
    PieceFoundCorrupt,
    PiecesFinished,
    PrefixChanged,
)
from dcdist.policy.planner_options import PlannerOptions
from tests.support.planners import LAYER, host

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from dcdist.model.pieces import Bits
    from dcdist.policy.preference import Preference

GEOMETRY = Geometry.for_length(16 * MIB)
EVERYTHING = pieces.span(0, GEOMETRY.piece_count)


class Offers(Enum):
    """What peers say that they hold."""

    NOTHING = auto()
    EVERYTHING = auto()
    SOME = auto()
    CHANGING = auto()


class Gives(Enum):
    """What peers give."""

    NOTHING = auto()
    TRICKLE = auto()
    BURSTS = auto()
    RUBBISH = auto()


@dataclass(frozen=True, slots=True)
class Claims:
    """How the others behave.

    `members`: that are listed; `changing`: of those, each second; `needless`: how often a closer look says that a
    request is not needed.
    """

    members: int
    changing: int
    bits: int
    offers: Offers
    gives: Gives
    coming: bool
    lacking: bool
    needless: float


@dataclass(slots=True)
class _Request:
    command: Draw
    begun: float
    rate: float
    total: int = 0


@dataclass(slots=True)
class World:
    """All of it.

    `latency`, `rate`: of each request, seconds and bytes a second; `crawling`: how often it has a hundredth of that;
    `longest_quiet`: seconds in which nothing came from
    anywhere and nothing was asked of the store, though something was missing.
    """

    rng: random.Random
    preference: Preference
    claims: Claims
    latency: float
    rate: float
    crawling: float = 0.0
    stream: bool = False
    make: Callable[[PlannerOptions], Planner] = Planner
    now: float = 0.0
    have: Bits = 0
    longest_quiet: float = 0.0
    gave_up: bool = False
    drawn: dict[Reason, int] = field(default_factory=dict)
    _planner: Planner = field(init=False)
    _requests: dict[int, _Request] = field(default_factory=dict)
    _members: dict[str, Member] = field(default_factory=dict)
    _offered: Bits = 0
    _given: int = 0
    _useful: int = 0
    _quiet_since: float = 0.0
    _look_at: float = 0.0
    _list_at: float = 0.0

    def __post_init__(self) -> None:
        options = PlannerOptions(
            host=host(1),
            version="1",
            layers=(LAYER,),
            preference=self.preference,
            stream=self.stream,
            acquainted_from=1.0,
        )
        self._planner = self.make(options)
        if self.claims.bits:
            self._planner.receive(PrefixChanged(self.claims.bits), now=0.0)
        self._list()
        self._planner.receive(LayerOpened(0, GEOMETRY, 0), now=0.0)

    def run(self, *, until: float) -> None:
        """Go on until all is here, or until then."""
        while self.have != EVERYTHING and self.now < until and not self.gave_up:
            self.now += self.rng.choice((0.02, 0.1, 0.25))
            if self.now >= self._list_at:
                self._list()
            if self.now >= self._look_at:
                self._look()
            self._serve()
            self._obey()
            if self._requests:
                self._quiet_since = self.now
            self.longest_quiet = max(self.longest_quiet, self.now - self._quiet_since)

    def _list(self) -> None:
        """Members come, change and go."""
        claims, known = self.claims, self._members
        self._list_at = self.now + 1.0
        count = claims.changing if known else claims.members
        left = self.rng.sample(sorted(known), min(len(known), count)) if known else []
        for identity in left:
            del known[identity]
        joined = []
        for _ in range(count):
            number = self.rng.randrange(2, 1 << 62)
            member = Member(host(number), 0, Role.DRAWER, "192.0.2.1", 4000, "1", 1)
            known[member.host] = member
            joined.append(member)
        self._planner.receive(MembersChanged(tuple(joined), tuple(map(type(host(1)), left))), now=self.now)

    def _look(self) -> None:
        self._look_at = self.now + 0.5
        claims, rng = self.claims, self.rng
        match claims.offers:
            case Offers.NOTHING:
                self._offered = 0
            case Offers.EVERYTHING:
                self._offered = EVERYTHING
            case Offers.SOME:
                self._offered |= rng.getrandbits(GEOMETRY.piece_count) & rng.getrandbits(GEOMETRY.piece_count)
            case Offers.CHANGING:
                self._offered = rng.choice((0, EVERYTHING, rng.getrandbits(GEOMETRY.piece_count)))
        self._see()
        self._give()
        if claims.lacking:
            self._planner.receive(PeersLack(tuple(rng.randrange(1 << 40) for _ in range(3))), now=self.now)

    def _see(self) -> None:
        coming = self._offered & ~self.have if self.claims.coming else 0
        self._planner.receive(PeersSeen(0, self._offered, coming), now=self.now)

    def _give(self) -> None:
        """Useful bytes come, and from time to time a whole piece."""
        rng, wanted = self.rng, self._offered & ~self.have & ~self._in_flight()
        if self.claims.gives is Gives.RUBBISH and wanted and rng.random() < 0.5:
            self._planner.receive(PieceFoundCorrupt(0, self._one_of(wanted), from_store=False), now=self.now)
        if self.claims.gives is Gives.TRICKLE and wanted:
            self._given += rng.choice((0, 1, 1000))
        if self.claims.gives is Gives.BURSTS and wanted and rng.random() < 0.05:
            self._given += GEOMETRY.piece_length
        while wanted and self._given - self._useful >= GEOMETRY.piece_length:
            self._useful += GEOMETRY.piece_length
            bit = 1 << self._one_of(wanted)
            wanted &= ~bit
            self.have |= bit
            self._quiet_since = self.now
            self._planner.receive(PiecesFinished(0, bit), now=self.now)
        self._planner.receive(PeersGave(self._given), now=self.now)

    def _one_of(self, bits: Bits) -> int:
        return self.rng.choice(list(pieces.each(bits)))

    def _in_flight(self) -> Bits:
        bits = 0
        for each in self._requests.values():
            bits |= pieces.span(each.command.first, each.command.stop)
        return bits

    def _serve(self) -> None:
        for number, request in list(self._requests.items()):
            command = request.command
            length = (command.stop - command.first) * GEOMETRY.piece_length
            total = min(length, int((self.now - request.begun - self.latency) * request.rate))
            if total > request.total:
                request.total = total
                self._planner.receive(BytesDrawn(number, total), now=self.now)
            if total >= length:
                del self._requests[number]
                self._planner.receive(DrawFinished(number), now=self.now)
                got = pieces.span(command.first, command.stop)
                self.have |= got
                self._planner.receive(PiecesFinished(0, got), now=self.now)

    def _obey(self) -> None:
        for command in self._planner.commands(now=self.now):
            match command:
                case Draw():
                    if command.reason is not Reason.STANDSTILL and self.rng.random() < self.claims.needless:
                        self._see()
                        self._planner.receive(DrawNeedless(command.number), now=self.now)
                        continue
                    self.drawn[command.reason] = self.drawn.get(command.reason, 0) + 1
                    rate = self.rate / (100 if self.rng.random() < self.crawling else 1)
                    self._requests[command.number] = _Request(command, self.now, rate)
                case Drop():
                    self._requests.pop(command.number, None)
                case GiveUp():
                    self.gave_up = True
                case AskFirst():
                    pass
