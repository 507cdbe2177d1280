"""Several planners against a toy store and a toy swarm: enough to see who draws what, not how fast anything is.

Each draw takes `seconds` (the store is ample); what one host has is seen by the others after `lag` seconds, and given
to them `delivery` seconds later. Time moves in steps of 50 ms.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from dcdist.model import pieces
from dcdist.model.geometry import MIB, Geometry
from dcdist.model.identity import HostId, LayerName
from dcdist.model.member import Member, Role
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import Draw, GiveUp
from dcdist.policy.planner_events import (
    BytesDrawn,
    DrawFinished,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersSeen,
    PiecesFinished,
)
from dcdist.policy.planner_options import PlannerOptions
from dcdist.policy.preference import EGRESS, TIME, Preference
from dcdist.policy.rules import Rule

LAYER = LayerName("0123456789abcdef" * 2)
STEP = 0.05

WHOLE_STRIPES = frozenset({Rule.SMALL_PARTS})
"""Without that rule a fetch that brings little requests whole stripes, which shows other rules more plainly."""


def host(number: int) -> HostId:
    return HostId(f"{number:032x}")


def member(number: int, role: Role = Role.DRAWER) -> Member:
    return Member(host(number), 0, role, "127.0.0.1", 1000 + number, "1", 1)


GEOMETRY = Geometry.for_length(64 * MIB)


def planner(
    *,
    preference: Preference = TIME,
    may_draw: bool = True,
    acquainted_from: float = 0.0,
    have: int = 0,
    without: frozenset[Rule] = frozenset(),
) -> Planner:
    made = Planner(
        PlannerOptions(
            host=host(1),
            version="1",
            layers=(LAYER,),
            preference=preference,
            may_draw=may_draw,
            in_order=True,
            acquainted_from=acquainted_from,
        ),
        WHOLE_STRIPES | without,
    )
    made.receive(LayerOpened(0, GEOMETRY, have), now=0.0)
    return made


def draws(made: Planner, *, now: float) -> list[Draw]:
    return [command for command in made.commands(now=now) if isinstance(command, Draw)]


@dataclass
class ToyHost:
    """One host: its planner, what it has, its running draws by the time of their end."""

    number: int
    geometry: Geometry
    preference: Preference
    seconds: float
    begun: float
    dead_at: float = float("inf")
    may_draw: bool = True
    have: int = 0
    drawn: list[range] = field(default_factory=list)
    running: dict[int, tuple[float, Draw]] = field(default_factory=dict)
    gave_up: str = ""
    given: int = 0
    done_at: float | None = None

    def __post_init__(self) -> None:
        self.planner = Planner(
            PlannerOptions(
                host=host(self.number),
                version="1",
                layers=(LAYER,),
                preference=self.preference,
                may_draw=self.may_draw,
                acquainted_from=self.begun if self.preference is TIME else self.begun + 1.0,
                begun=self.begun,
            )
        )

    def step(self, now: float) -> None:
        for draw, (end, running) in list(self.running.items()):
            if end <= now:
                del self.running[draw]
                got = pieces.span(running.first, running.stop)
                length = (running.stop - running.first) * self.geometry.piece_length
                self.planner.receive(BytesDrawn(draw, length), now=now)
                self.planner.receive(DrawFinished(draw), now=now)
                self.have |= got
                self.planner.receive(PiecesFinished(0, got), now=now)
        for command in self.planner.commands(now=now):
            if isinstance(command, Draw):
                self.drawn.append(range(command.first, command.stop))
                self.running[command.number] = (now + self.seconds, command)
            elif isinstance(command, GiveUp):
                self.gave_up = command.reason


class ToySwarm:
    """Hosts that begin at given times, with one layer of `length` bytes; `idle` more are listed and do nothing."""

    def __init__(self, length: int, *, lag: float = 0.5, delivery: float = 1.0) -> None:
        self.geometry = Geometry.for_length(length)
        self.all = pieces.span(0, self.geometry.piece_count)
        self.hosts: list[ToyHost] = []
        self.idle = 0
        self._lag = lag
        self._delivery = delivery
        self._history: list[tuple[float, list[int]]] = []

    def add(
        self,
        *,
        begun: float = 0.0,
        seconds: float = 0.5,
        preference: Preference = EGRESS,
        dead_at: float = float("inf"),
        may_draw: bool = True,
        have: int = 0,
    ) -> ToyHost:
        added = ToyHost(len(self.hosts) + 1, self.geometry, preference, seconds, begun, dead_at, may_draw, have)
        self.hosts.append(added)
        return added

    def run(self, until: float) -> None:
        now = 0.0
        known: dict[int, set[int]] = {each.number: set() for each in self.hosts}
        while now < until:
            alive = [each for each in self.hosts if each.begun <= now < each.dead_at]
            for each in alive:
                self._introduce(each, alive, known[each.number], now)
                self._deliver(each, alive, now)
                each.step(now)
                if each.have == self.all and each.done_at is None:
                    each.done_at = now
            self._history.append((now, [each.have if each in alive else 0 for each in self.hosts]))
            if all(each.have == self.all for each in alive) and len(alive) == len(self.hosts):
                return
            now += STEP

    def _introduce(self, each: ToyHost, alive: list[ToyHost], known: set[int], now: float) -> None:
        if each.number not in known:
            known.add(each.number)
            each.planner.receive(LayerOpened(0, self.geometry, each.have), now=now)
            idle = tuple(member(number) for number in range(100, 100 + self.idle))
            each.planner.receive(MembersChanged(idle, ()), now=now)
        visible = {other.number for other in alive if other.begun + self._lag <= now or other.begun < each.begun}
        visible.discard(each.number)
        joined = visible - known
        left = known - visible - {each.number}
        if joined or left:
            roles = {other.number: Role.DRAWER if other.may_draw else Role.PEER for other in self.hosts}
            each.planner.receive(
                MembersChanged(
                    tuple(member(number, roles[number]) for number in sorted(joined)),
                    tuple(host(number) for number in sorted(left)),
                ),
                now=now,
            )
            known |= joined
            known -= left

    def _deliver(self, each: ToyHost, alive: list[ToyHost], now: float) -> None:
        seen = self._others_had(each, alive, now - self._lag)
        each.planner.receive(PeersSeen(0, seen), now=now)
        got = self._others_had(each, alive, now - self._lag - self._delivery) & ~each.have
        if got:
            each.have |= got
            each.given += got.bit_count() * self.geometry.piece_length
            each.planner.receive(PiecesFinished(0, got), now=now)
        each.planner.receive(PeersGave(each.given), now=now)

    def _others_had(self, each: ToyHost, alive: list[ToyHost], at: float) -> int:
        index = round(at / STEP)
        if not 0 <= index < len(self._history):
            return 0
        had = 0
        for number, bits in enumerate(self._history[index][1], start=1):
            if number != each.number and self.hosts[number - 1] in alive:
                had |= bits
        return had

    def copies(self) -> float:
        """Pieces drawn by all hosts over pieces of the layer."""
        return sum(len(run) for each in self.hosts for run in each.drawn) / self.geometry.piece_count
