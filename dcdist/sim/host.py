"""One simulated host: its planner, what it has, its requests to the store. The stand-in for the engine's driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.policy.closer_look import CloserLook
from dcdist.policy.link.request_ahead import USUAL, Ahead
from dcdist.policy.planner_events import (
    BytesDrawn,
    DrawFailed,
    DrawFinished,
    DrawNeedless,
    Failure,
    HostsLinked,
    LayerOpened,
    MembersChanged,
    PeersGave,
    PeersSeen,
    PiecesFinished,
    PrefixChanged,
)
from dcdist.policy.planner_options import PlannerOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dcdist.model.identity import HostId, LayerName
    from dcdist.model.pieces import Bits
    from dcdist.policy.fleet.fleet_share import FleetShare
    from dcdist.policy.planner import Planner
    from dcdist.policy.planner_commands import AskFirst, Command, Draw
    from dcdist.policy.planner_events import Event
    from dcdist.sim.heartbeats import ModelledMembership
    from dcdist.sim.numbering import Numbering
    from dcdist.sim.scenario import HostSpec, Scenario
    from dcdist.sim.trading import Rarity, Trader


@dataclass(slots=True)
class Request:
    """A range request under way: its pieces in order, bytes wanted and come.

    `whole` of its pieces have come, of `base` bytes.
    """

    command: Draw
    pieces: list[int]
    length: float
    ready: float
    weight: float
    come: float = 0.0
    whole: int = 0
    base: float = 0.0

    @property
    def over(self) -> bool:
        """Whether all has come."""
        return self.whole == len(self.pieces)


@dataclass(slots=True)
class Host:
    """One host from the moment at which its process registers. `number` is its place in the scenario."""

    number: int
    spec: HostSpec
    identity: HostId
    planner: Planner
    trader: Trader
    membership: ModelledMembership
    numbering: Numbering
    clock: Callable[[], float] | None
    next_poll: float
    next_look: float
    opens: float | None
    share: FleetShare | None = None
    requests: dict[int, Request] = field(default_factory=dict)
    linked: set[int] = field(default_factory=set)
    linked_told: int | None = None
    neighbourhood: Rarity | None = None
    counted_in: list[Rarity] = field(default_factory=list)
    available: Bits = 0
    seen: Bits = 0
    seen_in: dict[int, Bits] = field(default_factory=dict)
    coming: Bits = 0
    ahead: Ahead = field(default_factory=Ahead)
    seconds_ahead: int = USUAL
    given: float = 0.0
    drawn: float = 0.0
    sent: float = 0.0
    done_at: float | None = None
    gave_up: str = ""
    woken: bool = True
    wake_at: float = 0.0
    planning: float = 0.0
    events: int = 0

    def tell(self, event: Event, *, now: float) -> None:
        """Give an event to the planner."""
        if self.share is not None and isinstance(event, MembersChanged | PrefixChanged):
            self.share.told(event)
        if self.clock is None:
            self.planner.receive(event, now=now)
        else:
            begun = self.clock()
            self.planner.receive(event, now=now)
            self.planning += self.clock() - begun
        self.events += 1
        self.woken = True

    def open_layers(self, *, now: float) -> None:
        """The layers take part from now on."""
        self.opens = None
        held = dict(self.numbering.by_layer(self.trader.have))
        for layer, geometry in enumerate(self.numbering.layers):
            self.tell(LayerOpened(layer, geometry, held.get(layer, 0)), now=now)

    def commands(self, *, now: float) -> list[Command]:
        """What the planner wants done, if something happened or its time has come."""
        if not self.woken and now < self.wake_at:
            return []
        self.woken = False
        begun = self.clock() if self.clock else 0.0
        commands = self.planner.commands(now=now)
        self.planning += self.clock() - begun if self.clock else 0.0
        self.wake_at = max(now + 0.01, self.planner.deadline())
        return commands

    def gain(self, fresh: Bits) -> None:
        """These pieces are here now."""
        self.trader.have |= fresh
        for piece in pieces.each(fresh):
            self.trader.padded |= self.numbering.padded(piece)
        for rarity in self.counted_in:
            rarity.gained(fresh)

    def begin(self, command: Draw, *, ready: float, weight: float) -> Request:
        """A range request goes out: no peer is asked for its pieces."""
        numbers = self.numbering.numbers(command.layer, command.first, command.stop)
        length = sum(self.numbering.sizes[number] for number in numbers)
        request = self.requests[command.number] = Request(command, numbers, length, ready, weight)
        self.trader.claimed |= pieces.of(numbers)
        return request

    def end(self, draw: int) -> Request | None:
        """A range request is over; what did not come of it may be asked of peers."""
        request = self.requests.pop(draw, None)
        if request is not None:
            self.trader.claimed &= ~pieces.of(request.pieces)
        return request

    def came(self, request: Request, volume: float, *, now: float) -> Bits:
        """Bytes of a request came: the pieces that are whole now and were not had."""
        request.come += volume
        self.drawn += volume
        fresh = 0
        while not request.over:
            piece = request.pieces[request.whole]
            if request.base + self.numbering.sizes[piece] > request.come + 0.5:
                break
            request.base += self.numbering.sizes[piece]
            request.whole += 1
            if not self.trader.have >> piece & 1:
                self.trader.got(piece)
                fresh |= 1 << piece
        self.tell(BytesDrawn(request.command.number, int(request.come)), now=now)
        if request.over:
            self.tell(DrawFinished(request.command.number), now=now)
        return fresh

    def asking(self, *, now: float, seconds: float) -> Iterator[tuple[Request, float]]:
        """Its requests that have been answered, and the bytes of each that it takes in so many seconds at most."""
        # Rounded to the nearest step: rounded up, a first byte after 30 ms would cost a long step and leave links idle.
        ready = [request for request in self.requests.values() if request.ready < now + seconds / 2 - 1e-6]
        most = float("inf")
        if self.share is not None and ready:
            most = self.share.rate(noticed_from=self.membership.lookout.noticed_from, now=now) * seconds / len(ready)
        for request in ready:
            yield request, min(request.length - request.come, most)

    def look_ahead(self, *, now: float) -> None:
        """Ask peers for as much ahead as suits what is missing."""
        self.seconds_ahead = self.ahead.seconds(received=int(self.given), missing=self.trader.lacking, now=now)

    def ask_first(self, command: AskFirst) -> None:
        """Some pieces of a layer are asked of peers before the others, or alone."""
        count = self.numbering.layers[command.layer].piece_count
        numbers = self.numbering.numbers(command.layer, 0, count)
        layer = pieces.of(numbers)
        first = pieces.of(numbers[piece] for piece in pieces.each(command.pieces))
        trader = self.trader
        trader.first = trader.first & ~layer | first
        trader.put_off = trader.put_off & ~layer | (0 if command.others else layer & ~first)

    def refused(self, draw: int, *, retry_after: float, now: float) -> None:
        """The store asked to come again later."""
        self.tell(DrawFailed(draw, Failure.THROTTLED, "the store asks for fewer requests", retry_after), now=now)

    def finished(self, fresh: Bits, *, now: float) -> None:
        """These pieces are whole since the last step."""
        for layer, bits in self.numbering.by_layer(fresh):
            self.tell(PiecesFinished(layer, bits), now=now)

    def poll(self, *, now: float) -> None:
        """Tell what peers hold, bring and have given, once layers are open."""
        if self.opens is not None:
            return
        self._tell_peers(self.trader.coming if self.coming else 0, now=now)
        if len(self.linked) != self.linked_told:
            self.linked_told = len(self.linked)
            self.tell(HostsLinked(self.linked_told), now=now)
        self.tell(PeersGave(int(self.given)), now=now)

    def is_needless(self, command: Draw, available: Bits, *, now: float) -> bool:
        """Whether a look just before a request goes out shows that peers hold or bring pieces of it; that is told."""
        wanted = pieces.of(self.numbering.numbers(command.layer, command.first, command.stop))
        look = CloserLook(command.reason, wanted, self.seen, self.coming)
        coming = self.trader.coming if look.asks_what_comes else self.coming
        if not look.shows_news(available, coming):
            return False
        self.available = available
        self._tell_peers(coming, now=now)
        self.tell(DrawNeedless(command.number), now=now)
        return True

    def _tell_peers(self, coming: Bits, *, now: float) -> None:
        news = dict(self.numbering.by_layer(self.available ^ self.seen))
        asked = dict(self.numbering.by_layer(coming))
        changed = news.keys() | dict(self.numbering.by_layer(coming ^ self.coming)).keys()
        self.seen, self.coming = self.available, coming
        for layer in sorted(changed):
            seen = self.seen_in[layer] = self.seen_in.get(layer, 0) ^ news.get(layer, 0)
            self.tell(PeersSeen(layer, seen, asked.get(layer, 0)), now=now)


def options_for(
    scenario: Scenario, spec: HostSpec, host: HostId, layers: tuple[LayerName, ...], now: float
) -> PlannerOptions:
    """What the planner of a host that begins now is told."""
    return PlannerOptions(
        host=host,
        version="1",
        layers=layers,
        preference=scenario.preference,
        stream=scenario.stream,
        may_draw=spec.may_draw,
        acquainted_from=now + scenario.acquaintance,
        begun=now,
    )
