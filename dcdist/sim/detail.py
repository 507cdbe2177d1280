"""The detailed simulation: every host has a real planner, every piece moves by itself.

One epoch: timers (starts, heartbeats, looks at peers) become events; planners give commands; links share what is asked
of store and peers; what came becomes events at the end of the epoch.
"""

from __future__ import annotations

import random
from heapq import heappop, heappush
from typing import TYPE_CHECKING, assert_never

from dcdist.model.identity import HostId, LayerName
from dcdist.model.member import Member, Role
from dcdist.model.pieces import span
from dcdist.policy.commands import Draw, Drop, GiveUp
from dcdist.policy.planner import Planner
from dcdist.policy.trace import RecordedPlanner
from dcdist.sim.heartbeats import Heartbeats, Membership
from dcdist.sim.host import Host, Request, options_for
from dcdist.sim.ledger import Ledger, reason
from dcdist.sim.outcome import HostOutcome, Outcome
from dcdist.sim.release import Numbering
from dcdist.sim.sharing import Flow, max_min
from dcdist.sim.store import Store
from dcdist.sim.trading import Link, Rarity, Trader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcdist.policy.commands import Command
    from dcdist.sim.scenario import Scenario

_SAMPLE = 1.0


class Detail:
    """One detailed simulation.

    `clock` measures the CPU of the planners; without it that is 0. `traces` take the traces of hosts by their numbers.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        clock: Callable[[], float] = lambda: 0.0,
        traces: Mapping[int, Callable[[str], None]] | None = None,
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._traces = traces or {}
        self._rng = random.Random(scenario.seed)
        self._numbering = Numbering(scenario.layers)
        self._names = tuple(LayerName(f"{self._rng.getrandbits(128):032x}") for _ in scenario.layers)
        self._identities = [HostId(f"{self._rng.getrandbits(128):032x}") for _ in scenario.hosts]
        self._numbers = {identity: number for number, identity in enumerate(self._identities)}
        self._store = Store(scenario.store)
        self._heartbeats = Heartbeats()
        self._rarity = Rarity(self._numbering.count, rng=self._rng)
        self._ledger = Ledger()
        self._hosts: dict[int, Host] = {}
        self._linking: list[tuple[float, int, int]] = []
        self._held = 0
        self._samples: list[tuple[float, float, float]] = []
        self._starts = sorted(
            ((spec.starts + scenario.start_up, number) for number, spec in enumerate(scenario.hosts)), reverse=True
        )
        self._gone: set[int] = set()

    def run(self) -> Outcome:
        """Until every host that stays has everything."""
        epoch = self._scenario.epoch
        step = 0
        while (now := step * epoch) < self._scenario.longest:
            self._start_hosts(now)
            self._end_hosts(now)
            self._meet(now)
            self._link(now)
            for host in self._hosts.values():
                self._look(host, now)
                for command in host.commands(now=now):
                    self._execute(host, command, now)
            self._move(now, now + epoch)
            if now // _SAMPLE != (now + epoch) // _SAMPLE:
                self._sample(now + epoch)
            step += 1
            if not self._starts and all(host.done_at is not None or host.gave_up for host in self._hosts.values()):
                break
        return self._outcome(step * epoch)

    # Timers

    def _start_hosts(self, now: float) -> None:
        scenario = self._scenario
        while self._starts and self._starts[-1][0] <= now:
            _, number = self._starts.pop()
            spec, identity = scenario.hosts[number], self._identities[number]
            have = self._numbering.whole_layers(spec.held)
            needs = ((1 << len(scenario.layers)) - 1) & ~spec.held
            role = Role.DRAWER if spec.may_draw else Role.PEER
            me = Member(identity, 0, role, "192.0.2.1", 1 + number % 65_000, "1", needs)
            host = Host(
                number,
                spec,
                identity,
                self._planner(number, now),
                Trader(self._numbering.sizes, have),
                Membership(me, self._store, self._heartbeats),
                self._numbering,
                began=now,
                clock=self._clock,
                next_poll=now + self._rng.random() * scenario.swarm.poll,
                next_look=now + self._rng.random() * scenario.swarm.look,
            )
            self._hosts[number] = host
            latency = scenario.store.small_latency
            host.membership.next_refresh = now + latency
            host.membership.next_look = now + 2 * latency
            host.open_layers(now=now)
            if not have:
                continue
            for layer in range(len(scenario.layers)):
                if spec.held >> layer & 1:
                    start = self._numbering.starts[layer]
                    for piece in range(start, start + scenario.layers[layer].piece_count):
                        self._rarity.gained(piece)
            self._held |= have

    def _planner(self, number: int, now: float) -> Planner:
        options = options_for(self._scenario, self._scenario.hosts[number], self._identities[number], self._names, now)
        write = self._traces.get(number)
        return Planner(options) if write is None else RecordedPlanner(options, write)

    def _end_hosts(self, now: float) -> None:
        for number, host in list(self._hosts.items()):
            if host.spec.ends <= now:
                for request in list(host.requests):
                    self._close(host, request)
                for peer in list(host.trader.links):
                    self._hosts[peer].trader.unlink(number)
                del self._hosts[number]
                self._gone.add(number)

    def _meet(self, now: float) -> None:
        """Heartbeats and listings that are due."""
        for number, host in self._hosts.items():
            membership = host.membership
            if membership.next_refresh <= now:
                membership.announce(membership.me, now=now)
            if membership.next_look > now:
                continue
            for event in membership.look(now=now):
                host.tell(event, now=now)
            for identity in membership.links:
                peer = self._numbers[identity]
                if peer not in host.linked:
                    host.linked[peer] = now
                    heappush(self._linking, (now + self._scenario.swarm.link_seconds, number, peer))

    def _link(self, now: float) -> None:
        while self._linking and self._linking[0][0] <= now:
            _, one, other = heappop(self._linking)
            if one in self._hosts and other in self._hosts:
                for here, there in ((one, other), (other, one)):
                    self._hosts[here].trader.links.setdefault(there, Link())

    def _look(self, host: Host, now: float) -> None:
        """What peers hold is looked at now and then, and told with the next poll."""
        swarm = self._scenario.swarm
        if host.next_poll <= now:
            host.next_poll += swarm.poll
            host.poll(now=now)
        if host.next_look <= now:
            host.next_look += swarm.look
            if host.done_at is None:
                available = 0
                for peer in host.trader.links:
                    available |= self._hosts[peer].trader.have
                host.available = available

    # Commands

    def _execute(self, host: Host, command: Command, now: float) -> None:
        match command:
            case Draw():
                self._draw(host, command, now)
            case Drop():
                self._close(host, command.draw)
            case GiveUp():
                host.gave_up = command.reason
            case _:
                assert_never(command)

    def _draw(self, host: Host, command: Draw, now: float) -> None:
        if not self._store.admit():
            host.refused(command.draw, retry_after=self._scenario.store.retry_after, now=now)
            return
        weight = self._rng.lognormvariate(0.0, self._scenario.swarm.unevenness)
        request = host.begin(command, ready=now + self._scenario.store.latency, weight=weight)
        geometry = self._scenario.layers[command.layer]
        why = reason(
            host.planner._plans[command.layer].ownership,  # noqa: SLF001
            host.identity,
            command.first // geometry.pieces_per_stripe,
            seen=bool(host.seen & span(request.first, request.stop)),
            acquainted=now >= host.began + self._scenario.acquaintance,
        )
        drawn = [(piece, self._numbering.sizes[piece]) for piece in range(request.first, request.stop)]
        self._ledger.begun(drawn, why, seen=host.seen, held=self._held, host=host.number, now=now)

    def _close(self, host: Host, draw: int) -> None:
        request = host.end(draw)
        if request is not None:
            self._store.ended()
            self._ledger.ended(range(request.first, request.stop))

    # Bytes

    def _move(self, now: float, then: float) -> None:
        """Let links carry what was asked, from now until then."""
        hosts = list(self._hosts.values())
        place = {host.number: position for position, host in enumerate(hosts)}
        seconds = then - now
        count = len(hosts)
        capacities = [self._scenario.store.rate * seconds]
        capacities += [host.spec.up * seconds for host in hosts]
        capacities += [host.spec.down * seconds for host in hosts]
        flows: list[Flow] = []
        ends: list[tuple[Host, Request | int]] = []
        for position, host in enumerate(hosts):
            for request in host.requests.values():
                if request.ready <= now:
                    flows.append(Flow(0, 1 + count + position, request.length - request.come, request.weight))
                    ends.append((host, request))
            self._ask(host, position, place, seconds, flows, ends)
        volumes = max_min(capacities, flows)
        fresh: dict[int, int] = {}
        for (host, source), volume in zip(ends, volumes, strict=True):
            if isinstance(source, Request):
                self._store.load.sent += volume
                done = host.came(source, volume, now=then)
                if source.whole == source.stop:
                    self._close(host, source.command.draw)
            else:
                done = self._given(host, source, volume, seconds)
            for piece in done:
                fresh[host.number] = fresh.get(host.number, 0) | 1 << piece
                self._rarity.gained(piece)
        for number, bits in fresh.items():
            self._settle(self._hosts[number], bits, then)

    def _ask(
        self,
        host: Host,
        position: int,
        place: dict[int, int],
        seconds: float,
        flows: list[Flow],
        ends: list[tuple[Host, Request | int]],
    ) -> None:
        """What a host wants of its peers."""
        if host.done_at is not None:
            return
        swarm = self._scenario.swarm
        trader = host.trader
        for peer, link in trader.links.items():
            theirs = self._hosts[peer].trader.have
            if not link.asked and not theirs & ~trader.have:
                continue
            ahead = max(1.0, 2 * link.rate * seconds, min(link.rate * swarm.queue_seconds, swarm.queue_bytes))
            wanted = trader.ask(peer, theirs, ahead, self._rarity)
            if wanted > 0:
                flows.append(Flow(1 + place[peer], 1 + len(place) + position, wanted / swarm.efficiency))
                ends.append((host, peer))

    def _given(self, host: Host, peer: int, volume: float, seconds: float) -> list[int]:
        payload = volume * self._scenario.swarm.efficiency
        link = host.trader.links[peer]
        link.rate += (payload / seconds - link.rate) * min(1.0, seconds)
        done, used = host.trader.take(peer, payload)
        host.given += used
        self._hosts[peer].sent += payload
        return done

    def _settle(self, host: Host, fresh: int, then: float) -> None:
        self._held |= fresh
        host.finished(fresh, now=then)
        if host.trader.complete and host.done_at is None:
            host.done_at = then
            me = host.membership.me
            host.membership.announce(
                Member(me.host, me.sequence + 1, Role.SEEDER, me.address, me.port, me.version, 0), now=then
            )

    # Result

    def _sample(self, now: float) -> None:
        here = sum(host.drawn + host.given for host in self._hosts.values())
        self._samples.append((now, self._store.load.sent, here))

    def _outcome(self, now: float) -> Outcome:
        outcomes = []
        for number, spec in enumerate(self._scenario.hosts):
            host = self._hosts.get(number)
            if host is None:
                continue
            outcomes.append(
                HostOutcome(
                    spec.starts,
                    host.done_at,
                    host.drawn,
                    host.given,
                    host.sent,
                    len(host.trader.links),
                    host.cpu,
                    host.events,
                    host.gave_up,
                )
            )
        return Outcome(self._scenario.size, tuple(outcomes), self._store.load, self._ledger, now, tuple(self._samples))
