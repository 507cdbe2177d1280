"""One planner beside a store that answers, while everybody else does what is worst: a step is a deed, or time.

A step is two numbers below 256: what happens, and how. So a course of steps is bytes, which a fuzzer mutates,
hypothesis shrinks, and a file keeps. After each step the rule is checked, by an account of its own: if nothing is asked
of the store that could be, peers have brought enough for the time that has passed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.model.geometry import MIB, Geometry
from dcdist.model.identity import LayerName
from dcdist.model.member import Member, Role
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import Draw, Drop, GiveUp, Reason
from dcdist.policy.planner_events import (
    BytesDrawn,
    CopyBegan,
    CopyEnded,
    DrawFailed,
    DrawFinished,
    DrawNeedless,
    Failure,
    HostsLinked,
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
from dcdist.policy.preference import EGRESS, TIME
from tests.support.planners import host

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.pieces import Bits
    from dcdist.policy.planner_events import Event
    from dcdist.policy.preference import Preference

LAYERS = (LayerName("0123456789abcdef" * 2), LayerName("fedcba9876543210" * 2))
GEOMETRY = Geometry.for_length(4 * MIB)
EVERYTHING = pieces.span(0, GEOMETRY.piece_count)
PER_STRIPE = GEOMETRY.pieces_per_stripe

BORNE = {TIME: 8.0, EGRESS: 20.0}
BORNE_OF_LIARS = 2.0
LONGEST = 60.0
"""The bounds of docs/policy.md, in seconds; what a stripe takes comes on top of the first three."""

_LATE = 1.0
"""Seconds that the planner may be late: it is asked twice a second at least."""

_POLL = 0.5
"""Seconds after which the planner is asked again at the latest."""

_LOOK = 0.5
"""Seconds that a closer look takes at most."""


@dataclass(slots=True)
class _Request:
    """`out_at`: when it goes out unless a closer look says before that it is needless."""

    command: Draw
    begun: float
    out_at: float
    rate: float
    come: float = 0.0


@dataclass(slots=True)
class HostileCourse:
    """One fetch. `flags` choose the preference, the order, and how fast the store is."""

    flags: int
    now: float = 0.0
    have: list[Bits] = field(default_factory=lambda: [0, 0])
    over: bool = False
    betrayed: bool = False
    _quiet: float = 0.0
    _slowest: float = 1.0
    _excused_until: float = 1.0
    _in_a_row: int = 0
    _came_at: float = 0.0
    _given: int = 0
    _numbers: int = 1000
    _spoil: bool = False
    _hopeless: bool = False
    _members: list[Member] = field(default_factory=list)
    _requests: dict[int, _Request] = field(default_factory=dict)
    _copying: list[Bits] = field(default_factory=lambda: [0, 0])
    _barred: dict[tuple[int, int], float] = field(default_factory=dict)
    _corrupt: dict[tuple[int, int], int] = field(default_factory=dict)
    _planner: Planner = field(init=False)

    def __post_init__(self) -> None:
        self._planner = Planner(
            PlannerOptions(
                host=host(1),
                version="1",
                layers=LAYERS,
                preference=self._preference,
                stream=bool(self.flags & 2),
                acquainted_from=1.0,
            )
        )
        for layer in range(len(LAYERS)):
            self._tell(LayerOpened(layer, GEOMETRY, 0))
        self._obey()

    @property
    def _preference(self) -> Preference:
        return EGRESS if self.flags & 1 else TIME

    def step(self, what: Callable[[HostileCourse, int], None], how: int) -> None:
        """Somebody does something.

        Raises:
            AssertionError: The host stands still for too long, or gives up beside a store that answers.
        """
        what(self, how)
        self._obey()
        self._check()

    # Time

    def passes(self, how: int) -> None:
        self._advance((0.02, 0.1, 0.25, 0.5)[how % 4])

    def jumps(self, how: int) -> None:
        """The process was stopped."""
        self._advance(float(how))

    def _advance(self, seconds: float) -> None:
        could = any(map(self._could_be_drawn, range(len(LAYERS))))
        if could and not self._requests and self.now >= self._excused_until:
            # A process that was stopped could not ask.
            self._quiet += min(seconds, _POLL)
        self.now += seconds
        for number, request in list(self._requests.items()):
            if self.now > request.out_at and number in self._requests:
                self._serve(number, request, seconds)
        self._tell(PeersGave(self._given))

    # Others

    def join(self, how: int) -> None:
        joined = []
        for _ in range(min(how % 64, 128 - len(self._members))):
            self._numbers += 1
            joined.append(
                Member(host(self._numbers * 0x9E3779B97F4A7C15 % (1 << 62)), 0, Role.DRAWER, "::1", 1, "1", 3)
            )
        self._members += joined
        self._tell(MembersChanged(tuple(joined), ()))

    def leave(self, how: int) -> None:
        left, self._members = self._members[: how % 64], self._members[how % 64 :]
        self._tell(MembersChanged((), tuple(member.host for member in left)))

    def narrow(self, how: int) -> None:
        self._tell(PrefixChanged(how % 4 * 2))

    def link(self, how: int) -> None:
        self._tell(HostsLinked(how % 80))

    def lack(self, how: int) -> None:
        self._tell(PeersLack((how << 12, how << 16)))

    def offer(self, how: int) -> None:
        """Nothing, all, one piece, or some."""
        choice = random.Random(how)
        offered = (0, EVERYTHING, 1 << how % GEOMETRY.piece_count, choice.getrandbits(GEOMETRY.piece_count))[how % 4]
        self._tell(PeersSeen(how >> 7, offered, offered if how & 64 else 0))

    def trickle(self, how: int) -> None:
        self._given += how * 64
        self._tell(PeersGave(self._given))

    def bring(self, how: int) -> None:
        """A right piece."""
        found = self._one_of(how)
        if found is None:
            return
        layer, bit = found
        self._given += GEOMETRY.piece_length
        self.have[layer] |= bit
        self._came_at = self.now
        self._quiet = max(0.0, self._quiet - 10 * self._slowest / PER_STRIPE)
        self._tell(PiecesFinished(layer, bit))

    def lie(self, how: int) -> None:
        """A wrong piece."""
        found = self._one_of(how)
        if found is not None:
            self.betrayed = True
            self._tell(PieceFoundCorrupt(found[0], found[1].bit_length() - 1, from_store=False))

    def prove_needless(self, how: int) -> None:
        """Peers show what is wanted just before it is drawn, and hide it again."""
        there, begun = len(self._requests), self.now
        for number, request in list(self._requests.items()):
            if self.now <= request.out_at and request.command.reason is not Reason.STANDSTILL:
                command, begun, there = request.command, min(begun, request.begun), there - 1
                del self._requests[number]
                self._tell(PeersSeen(command.layer, pieces.span(command.first, command.stop)))
                self._tell(DrawNeedless(number))
                if how & 1:
                    self._tell(PeersSeen(command.layer, 0))
        if not there:
            # Nothing was asked after all.
            self._quiet += self.now - begun

    def copy(self, how: int) -> None:
        """Pieces are copied on this host; or that is over, in vain."""
        layer = how & 1
        if self._copying[layer]:
            bits, self._copying[layer] = self._copying[layer], 0
            self._tell(CopyEnded(layer, bits))
            return
        bits = random.Random(how).getrandbits(GEOMETRY.piece_count) & self._missing(layer)
        if bits:
            self._copying[layer] = bits
            self._tell(CopyBegan(layer, bits))

    # The store

    def fail(self, how: int) -> None:
        """A request ends early."""
        for number, request in list(self._requests.items())[:1]:
            if self.now <= request.out_at:
                continue
            command, failure = request.command, (Failure.PASSING, Failure.THROTTLED, Failure.LASTING)[how % 3]
            del self._requests[number]
            after = float(how // 3) if how % 2 else None
            self._failed(after)
            if failure is Failure.LASTING:
                for piece in range(command.first, command.stop):
                    self._bar(command.layer, piece, 8.0)
            self._tell(DrawFailed(number, failure, "no", after))

    def crawl(self, how: int) -> None:
        """Those under way get slow, or stand still."""
        for request in self._requests.values():
            request.rate = request.rate / 100 if how & 1 else 0.0

    def spoil(self, _: int) -> None:
        """The next piece from the store is corrupt."""
        self._spoil = True

    def _serve(self, number: int, request: _Request, seconds: float) -> None:
        command, before = request.command, request.come
        length = (command.stop - command.first) * GEOMETRY.piece_length
        request.come = min(length, before + request.rate * min(seconds, self.now - request.out_at))
        if int(request.come) > int(before):
            self._came_at = self.now
            self._tell(BytesDrawn(number, int(request.come)))
        if request.come < length:
            return
        del self._requests[number]
        self._in_a_row = 0
        self._slowest = max(self._slowest, (self.now - request.begun) * GEOMETRY.stripe_length / length)
        self._tell(DrawFinished(number))
        good = pieces.span(command.first, command.stop) & ~self.have[command.layer]
        if self._spoil and good:
            self._spoil = False
            good &= good - 1
            self._spoilt(command.layer, (pieces.span(command.first, command.stop) & ~good).bit_length() - 1)
        self.have[command.layer] |= good
        if good:
            self._tell(PiecesFinished(command.layer, good))

    def _spoilt(self, layer: int, piece: int) -> None:
        if self.have[layer] >> piece & 1:
            return
        count = self._corrupt[layer, piece] = self._corrupt.get((layer, piece), 0) + 1
        self._hopeless = self._hopeless or count > 5
        self._bar(layer, piece, (0.0, 1.0, 3.0, 6.0, 10.0, float("inf"))[min(count, 6) - 1])
        self._tell(PieceFoundCorrupt(layer, piece, from_store=True))

    def _failed(self, retry_after: float | None) -> None:
        self._in_a_row += 1
        pause = max(min(15.0, 0.25 * 2 ** min(self._in_a_row - 1, 10)), min(retry_after or 0.0, 120.0))
        self._excused_until = max(self._excused_until, self.now + pause)

    def _bar(self, layer: int, piece: int, seconds: float) -> None:
        self._barred[layer, piece] = max(self._barred.get((layer, piece), 0.0), self.now + seconds)

    # The planner

    def _tell(self, event: Event) -> None:
        self._planner.receive(event, now=self.now)

    def _obey(self) -> None:
        if self.over:
            return
        for command in self._planner.commands(now=self.now):
            match command:
                case Draw():
                    look = 0.0 if command.reason is Reason.STANDSTILL else _LOOK
                    rate = (2e7, 1e6, 1e5, 2e4)[self.flags >> 2 & 3]
                    self._requests[command.number] = _Request(command, self.now, self.now + look, rate)
                case Drop():
                    if self._requests.pop(command.number, None):
                        self._failed(None)
                case GiveUp():
                    waited = self.now - self._came_at
                    assert waited >= 300 or (waited >= 20 and (self._hopeless or self._barred)), command.reason
                    self.over = True
                case _:
                    pass
        self.over = self.over or all(have == EVERYTHING for have in self.have)

    def _check(self) -> None:
        could = any(map(self._could_be_drawn, range(len(LAYERS))))
        if self.over or self._asks or not could or self.now < self._excused_until:
            return
        borne = BORNE_OF_LIARS if self.betrayed else BORNE[self._preference]
        bound = min(LONGEST, borne + self._slowest) + _LATE
        assert self._quiet <= bound, f"nothing was asked of the store for {self._quiet:.1f} s, {bound:.1f} s are borne"

    @property
    def _asks(self) -> bool:
        """Whether a request is out."""
        return any(self.now >= request.out_at for request in self._requests.values())

    def _missing(self, layer: int) -> Bits:
        bits = EVERYTHING & ~self.have[layer] & ~self._copying[layer]
        for each in self._requests.values():
            if each.command.layer == layer:
                bits &= ~pieces.span(each.command.first, each.command.stop)
        return bits

    def _could_be_drawn(self, layer: int) -> bool:
        missing = self._missing(layer)
        barred = (piece for (place, piece), until in self._barred.items() if place == layer and self.now < until)
        return bool(missing & ~pieces.of(barred))

    def _one_of(self, how: int) -> tuple[int, Bits] | None:
        """A missing piece."""
        layer = how & 1
        found = list(pieces.each(self._missing(layer)))
        return (layer, 1 << found[how % len(found)]) if found else None


TIME_PASSES = HostileCourse.passes
STEPS: tuple[Callable[[HostileCourse, int], None], ...] = (
    HostileCourse.jumps, HostileCourse.join, HostileCourse.leave, HostileCourse.narrow, HostileCourse.link,
    HostileCourse.lack, HostileCourse.offer, HostileCourse.trickle, HostileCourse.bring, HostileCourse.lie,
    HostileCourse.prove_needless, HostileCourse.copy, HostileCourse.fail, HostileCourse.crawl, HostileCourse.spoil,
)  # fmt: skip
"""What may happen beside time, which passes in every course."""

HEAD = 3
"""Bytes before the steps: the flags, and which kinds of steps there are (16 bits); few kinds go deeper than all."""


def play(data: bytes) -> int:
    """Take the steps of `data` after its head; how many there were. A fetch that ends is followed by another.

    Raises:
        AssertionError: The host stood still, or gave up, beside a store that answers.
    """
    head, steps = data[:HEAD].ljust(HEAD, b"\0"), data[HEAD:]
    kinds = int.from_bytes(head[1:])
    there = [TIME_PASSES, *(step for number, step in enumerate(STEPS) if kinds >> number & 1)]
    flags, taken = head[0], 0
    course = HostileCourse(flags)
    for what, how in zip(steps[::2], steps[1::2], strict=False):
        if course.over:
            flags = flags * 5 + 1 & 0xFF
            course = HostileCourse(flags)
        # Every other step is time.
        course.step(there[what // 2 % len(there)] if what & 1 else TIME_PASSES, how)
        taken += 1
    return taken
