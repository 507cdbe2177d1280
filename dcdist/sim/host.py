"""One simulated host: its planner, what it has, its requests to the store. The stand-in for the engine's driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dcdist.model import pieces
from dcdist.policy.events import (
    BytesDrawn,
    DrawFailed,
    DrawFinished,
    Failure,
    LayerOpened,
    PeersGave,
    PeersSeen,
    PiecesFinished,
)
from dcdist.policy.planner import PlannerOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.identity import HostId, LayerName
    from dcdist.model.pieces import Bits
    from dcdist.policy.commands import Command, Draw
    from dcdist.policy.events import Event
    from dcdist.policy.planner import Planner
    from dcdist.sim.heartbeats import Membership
    from dcdist.sim.release import Numbering
    from dcdist.sim.scenario import HostSpec, Scenario
    from dcdist.sim.trading import Trader


@dataclass(slots=True)
class Request:
    """A range request under way: pieces `first` to `stop` - 1 by their number in the release, bytes wanted and come."""

    command: Draw
    first: int
    stop: int
    length: float
    ready: float
    weight: float
    come: float = 0.0
    whole: int = 0


@dataclass(slots=True)
class Host:
    """One host from the moment at which its process registers. `number` is its place in the scenario."""

    number: int
    spec: HostSpec
    identity: HostId
    planner: Planner
    trader: Trader
    membership: Membership
    numbering: Numbering
    began: float
    clock: Callable[[], float]
    next_poll: float
    next_look: float
    requests: dict[int, Request] = field(default_factory=dict)
    linked: dict[int, float] = field(default_factory=dict)
    available: Bits = 0
    seen: Bits = 0
    given: float = 0.0
    drawn: float = 0.0
    sent: float = 0.0
    done_at: float | None = None
    gave_up: str = ""
    woken: bool = True
    wake_at: float = 0.0
    cpu: float = 0.0
    events: int = 0

    def tell(self, event: Event, *, now: float) -> None:
        """Give an event to the planner."""
        begun = self.clock()
        self.planner.receive(event, now=now)
        self.cpu += self.clock() - begun
        self.events += 1
        self.woken = True

    def open_layers(self, *, now: float) -> None:
        """The layers take part from now on."""
        for layer, geometry in enumerate(self.numbering.layers):
            self.tell(LayerOpened(layer, geometry, self.numbering.of_layer(self.trader.have, layer)), now=now)

    def commands(self, *, now: float) -> list[Command]:
        """What the planner wants done, if something happened or its time has come."""
        if not self.woken and now < self.wake_at:
            return []
        self.woken = False
        begun = self.clock()
        commands = self.planner.commands(now=now)
        self.wake_at = max(now + 0.01, self.planner.deadline())
        self.cpu += self.clock() - begun
        return commands

    def begin(self, command: Draw, *, ready: float, weight: float) -> Request:
        """A range request goes out: no peer is asked for its pieces."""
        start = self.numbering.starts[command.layer]
        first, stop = start + command.first, start + command.stop
        length = sum(self.numbering.sizes[first:stop])
        request = Request(command, first, stop, length, ready, weight, whole=first)
        self.requests[command.draw] = request
        self.trader.claimed |= pieces.span(first, stop)
        return request

    def end(self, draw: int) -> Request | None:
        """A range request is over; what did not come of it may be asked of peers."""
        request = self.requests.pop(draw, None)
        if request is not None:
            self.trader.claimed &= ~pieces.span(request.first, request.stop)
        return request

    def came(self, request: Request, volume: float, *, now: float) -> list[int]:
        """Bytes of a request came: the pieces that are whole now and were not had."""
        request.come += volume
        self.drawn += volume
        fresh = []
        base = sum(self.numbering.sizes[request.first : request.whole])
        sizes = self.numbering.sizes
        while request.whole < request.stop and base + sizes[request.whole] <= request.come + 0.5:
            base += sizes[request.whole]
            if not self.trader.have >> request.whole & 1:
                self.trader.got(request.whole)
                fresh.append(request.whole)
            request.whole += 1
        over = request.whole == request.stop
        self.tell(BytesDrawn(request.command.draw, int(request.come)), now=now)
        if over:
            self.tell(DrawFinished(request.command.draw), now=now)
        return fresh

    def refused(self, draw: int, *, retry_after: float, now: float) -> None:
        """The store asked to come again later."""
        self.tell(DrawFailed(draw, Failure.THROTTLED, "the store asks for fewer requests", retry_after), now=now)

    def finished(self, fresh: Bits, *, now: float) -> None:
        """These pieces are whole since the last step."""
        for layer in self.numbering.layers_with(fresh):
            self.tell(PiecesFinished(layer, self.numbering.of_layer(fresh, layer)), now=now)

    def poll(self, *, now: float) -> None:
        """Tell what peers hold and have given."""
        changed = self.available ^ self.seen
        for layer in self.numbering.layers_with(changed):
            self.tell(PeersSeen(layer, self.numbering.of_layer(self.available, layer)), now=now)
        self.seen = self.available
        self.tell(PeersGave(int(self.given)), now=now)


def options_for(
    scenario: Scenario, spec: HostSpec, host: HostId, layers: tuple[LayerName, ...], now: float
) -> PlannerOptions:
    """What the planner of a host that begins now is told."""
    return PlannerOptions(
        host=host,
        version="1",
        layers=layers,
        eager=scenario.eager,
        may_draw=spec.may_draw,
        acquainted_from=now + scenario.acquaintance,
        begun=now,
    )
