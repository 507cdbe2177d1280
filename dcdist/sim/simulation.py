"""The simulation: hosts with real planners, in epochs.

One epoch: timers (starts, heartbeats, looks at peers) become events; planners give commands; links carry what is asked
of store and peers; what came becomes events at the end of the epoch. With `prefix_bits` the hosts are those of one
prefix; a host of another prefix is the counterpart of one of them, so what is taken from it is taken from that one.
"""

from __future__ import annotations

import random
from dataclasses import replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, assert_never

from dcdist.model import pieces
from dcdist.model.identity import HostId, LayerName, Prefix
from dcdist.model.member import Member, Role
from dcdist.policy.fleet.fleet_share import FleetShare
from dcdist.policy.fleet.lookout import LinkUnwanted, LinkWanted, Lookout
from dcdist.policy.planner import Planner
from dcdist.policy.planner_commands import AskFirst, Draw, Drop, GiveUp
from dcdist.policy.planner_events import MembersChanged, PeersLack, PrefixChanged
from dcdist.policy.rules import Rule
from dcdist.policy.trace import RecordedPlanner
from dcdist.sim.carrying import Carrying
from dcdist.sim.heartbeats import Heartbeats, ModelledMembership
from dcdist.sim.host import Host, options_for
from dcdist.sim.ledger import Ledger
from dcdist.sim.modelled_store import ModelledStore
from dcdist.sim.numbering import Numbering
from dcdist.sim.outcome import HostOutcome, Outcome
from dcdist.sim.trading import PeerLink, Rarity, Trader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcdist.model.pieces import Bits
    from dcdist.policy.fleet.lookout import Notice
    from dcdist.policy.planner_commands import Command
    from dcdist.policy.planner_options import PlannerOptions
    from dcdist.sim.scenario import HostSpec, Scenario

_TIMED = 4
"""Hosts whose planners are timed: looking at a clock costs as much as many a decision."""

_SAMPLE = 1.0
"""Seconds between two samples of the whole."""


def simulate(
    scenario: Scenario,
    *,
    clock: Callable[[], float] | None = None,
    traces: Mapping[int, Callable[[str], None]] | None = None,
) -> Outcome:
    """Run a scenario until every host that stays has everything.

    `clock` (seconds) measures what the planners of a few hosts take. `traces` take those of hosts by their numbers.
    """
    return _Simulation(scenario, clock, traces or {}).run()


class _Simulation:
    def __init__(
        self, scenario: Scenario, clock: Callable[[], float] | None, traces: Mapping[int, Callable[[str], None]]
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._traces = traces
        self._rng = random.Random(scenario.seed)
        self._names = tuple(LayerName(f"{self._rng.getrandbits(128):032x}") for _ in scenario.layers)
        bits = scenario.prefix_bits
        self._numbering = Numbering(scenario.layers, self._names, bits=bits)
        prefix = self._numbering.prefix
        self._specs = _sample(scenario.hosts, 1 << bits)
        self._share = len(self._specs) / len(scenario.hosts)
        free = 128 - bits
        self._identities = [HostId(f"{prefix << free | self._rng.getrandbits(free):032x}") for _ in self._specs]
        self._number_of = {identity: number for number, identity in enumerate(self._identities)}
        self._heartbeats = Heartbeats(bits=bits, prefix=prefix)
        self._store = ModelledStore(scenario.store, self._share, self._numbering.own_part)
        self._ledger = Ledger()
        self._hosts: dict[int, Host] = {}
        self._carrying = Carrying(self._hosts, self._numbering, self._store, scenario.swarm)
        self._small: list[tuple[float, int]] = []
        self._linking: list[tuple[float, int, int]] = []
        self._rarities: dict[Prefix, Rarity] = {}
        self._held: Bits = 0
        self._samples: list[tuple[float, float, float]] = []
        self._fronts: list[float] = []
        self._starts = sorted(
            ((_registers(scenario, spec), number) for number, spec in enumerate(self._specs)), reverse=True
        )

    def run(self) -> Outcome:
        epoch = self._scenario.epoch
        step = 0
        while (now := step * epoch) < self._scenario.longest:
            self._start_hosts(now)
            self._end_hosts(now)
            self._meet(now)
            for host in self._hosts.values():
                self._look(host, now)
                for command in host.commands(now=now):
                    self._execute(host, command, now)
            self._move(now, now + epoch)
            if now // _SAMPLE != (now + epoch) // _SAMPLE:
                if not self._scenario.prefix_bits:
                    fronts = (self._numbering.front(host.trader.have) for host in self._hosts.values())
                    self._fronts.append(float(sum(fronts)))
                here = sum(host.drawn + host.given for host in self._hosts.values())
                self._samples.append((now + epoch, self._store.sent, here / self._share))
            step += 1
            if not self._starts and all(host.done_at is not None or host.gave_up for host in self._hosts.values()):
                break
        return self._outcome(step * epoch)

    # Timers

    def _start_hosts(self, now: float) -> None:
        while self._starts and self._starts[-1][0] <= now:
            _, number = self._starts.pop()
            self._start(number, now)

    def _start(self, number: int, now: float) -> None:
        scenario, spec, identity = self._scenario, self._specs[number], self._identities[number]
        have = self._numbering.whole_layers(spec.held)
        needs = ((1 << len(scenario.layers)) - 1) & ~spec.held
        role = Role.DRAWER if spec.may_draw else Role.PEER
        me = Member(identity, 0, role, "192.0.2.1", 1 + number % 65_000, "1", needs)
        options = options_for(scenario, spec, identity, self._names, now)
        write = self._traces.get(number)
        host = self._hosts[number] = Host(
            number,
            spec,
            identity,
            Planner(options, scenario.without) if write is None else RecordedPlanner(options, write, scenario.without),
            Trader(self._numbering.sizes, self._numbering.all, 0),
            ModelledMembership(Lookout(me), self._store, self._heartbeats, due=now),
            self._numbering,
            clock=self._clock if number < _TIMED else None,
            next_poll=now + self._rng.random() * scenario.swarm.poll,
            next_look=now + self._rng.random() * scenario.swarm.look,
            opens=now + scenario.preference.first_look,
            share=_share_for(scenario, options),
        )
        heappush(self._small, (now, number))
        host.counted_in = [rarity for prefix, rarity in self._rarities.items() if prefix.holds(identity)]
        host.gain(have)
        self._held |= self._numbering.canonical(have)

    def _end_hosts(self, now: float) -> None:
        for number, host in list(self._hosts.items()):
            if host.spec.ends <= now:
                for draw in list(host.requests):
                    self._close(host, draw)
                for key in list(host.trader.links):
                    peer, shift = self._carrying.split(key)
                    self._hosts[peer].trader.unlink(self._carrying.key(number, shift))
                del self._hosts[number]

    def _meet(self, now: float) -> None:
        """Heartbeats, listings and new links that are due."""
        self._communicate(now)
        for number, host in self._hosts.items():
            notices = host.membership.notices()
            for notice in notices:
                self._learn(host, notice, now)
            joined = host.membership.lookout.joined
            opening = host.opens is not None and (joined or host.opens <= now)
            if opening:
                if not joined:
                    host.membership.begin_anyway(now=now)
                    heappush(self._small, (now, number))
                host.open_layers(now=now)
            if notices or opening:
                host.neighbourhood = self._rarity_of(host.membership.lookout.prefix)
        while self._linking and self._linking[0][0] <= now:
            _, one, key = heappop(self._linking)
            other, shift = self._carrying.split(key)
            if one in self._hosts and other in self._hosts:
                self._hosts[one].trader.links.setdefault(key, PeerLink())
                # Exchanging the prefixes, the other sees this one as its counterpart.
                self._hosts[other].trader.links.setdefault(self._carrying.key(one, shift), PeerLink())

    def _communicate(self, now: float) -> None:
        """All that hosts ask the store for about each other, in the order of time, not of epochs."""
        while self._small and self._small[0][0] <= now:
            due, number = heappop(self._small)
            host = self._hosts.get(number)
            if host is not None and host.membership.due == due:
                host.membership.proceed()
                heappush(self._small, (host.membership.due, number))

    def _learn(self, host: Host, notice: Notice, now: float) -> None:
        match notice:
            case MembersChanged() | PrefixChanged():
                host.tell(notice, now=now)
            case LinkWanted(member):
                self._link(host, member.host, now)
            case LinkUnwanted():
                # A link that is there stays.
                pass
            case _:
                assert_never(notice)

    def _link(self, host: Host, identity: HostId, now: float) -> None:
        """A link to another host is on its way, unless there is one."""
        shift = self._heartbeats.shift_of(identity)
        peer = self._carrying.key(self._number_of[self._heartbeats.shifted(identity, shift)], shift)
        if peer not in host.linked:
            host.linked.add(peer)
            heappush(self._linking, (now + self._scenario.swarm.link_seconds, host.number, peer))

    def _rarity_of(self, prefix: Prefix) -> Rarity:
        """What is rare among the simulated hosts of a prefix."""
        bits = self._scenario.prefix_bits
        within = prefix if prefix.bits >= bits else Prefix.of(self._identities[0], bits)
        if within not in self._rarities:
            rarity = self._rarities[within] = Rarity(self._numbering.count, rng=self._rng)
            for host in self._hosts.values():
                if within.holds(host.identity):
                    rarity.gained(host.trader.have)
                    host.counted_in.append(rarity)
        return self._rarities[within]

    def _look(self, host: Host, now: float) -> None:
        """What peers hold is looked at now and then, and told with the next poll."""
        swarm = self._scenario.swarm
        if host.next_poll <= now:
            host.next_poll += swarm.poll
            if host.planner.statistics(now=now).all_seen:
                host.tell(PeersLack(self._carrying.lacking(host)), now=now)
            host.poll(now=now)
        if host.next_look <= now:
            host.next_look += swarm.look
            if host.done_at is None:
                host.available = self._carrying.available(host)
                host.look_ahead(now=now)

    # Commands

    def _execute(self, host: Host, command: Command, now: float) -> None:
        match command:
            case Draw():
                self._draw(host, command, now)
            case Drop():
                self._close(host, command.number)
            case AskFirst():
                host.ask_first(command)
            case GiveUp():
                host.gave_up = command.reason
            case _:
                assert_never(command)

    def _draw(self, host: Host, command: Draw, now: float) -> None:
        looks = host.planner.follows(Rule.CLOSER_LOOK)
        if looks and host.is_needless(command, self._carrying.available(host), now=now):
            return
        if not self._store.admit():
            host.refused(command.number, retry_after=self._scenario.store.retry_after, now=now)
            return
        weight = host.spec.store_pull * self._rng.lognormvariate(0.0, self._scenario.swarm.unevenness)
        request = host.begin(command, ready=now + self._scenario.store.latency, weight=weight)
        drawn = pieces.of(request.pieces)
        seen = self._numbering.canonical(drawn & host.seen)
        self._ledger.begun(
            list(pieces.each(self._numbering.canonical(drawn))),
            request.length,
            command.reason,
            seen=seen,
            held=self._held,
            host=host.number,
            now=now,
        )

    def _close(self, host: Host, draw: int) -> None:
        request = host.end(draw)
        if request is not None:
            self._store.ended()
            self._ledger.ended(pieces.each(self._numbering.canonical(pieces.of(request.pieces))))

    # Bytes

    def _move(self, now: float, then: float) -> None:
        for host, fresh in self._carrying.carry(now, then):
            host.gain(fresh)
            self._held |= self._numbering.canonical(fresh)
            host.finished(fresh, now=then)
            if host.trader.complete and host.done_at is None:
                host.done_at = then
                me = host.membership.lookout.me
                host.membership.become(replace(me, role=Role.SEEDER, needs=0), now=then)
                heappush(self._small, (then, host.number))
        for host in self._hosts.values():
            for request in [each for each in host.requests.values() if each.over]:
                self._close(host, request.command.number)

    # Result

    def _outcome(self, now: float) -> Outcome:
        outcomes = []
        for number, spec in enumerate(self._specs):
            host = self._hosts.get(number)
            if host is None:
                continue
            outcomes.append(
                HostOutcome(
                    number,
                    spec.starts,
                    host.done_at,
                    host.drawn,
                    host.given,
                    host.sent,
                    len(host.trader.links),
                    host.planning if host.clock else None,
                    host.events,
                    host.gave_up,
                )
            )
        load = self._store.of_the_fleet()
        samples, fronts = tuple(self._samples), tuple(self._fronts)
        return Outcome(self._scenario.size, tuple(outcomes), load, self._ledger, now, samples, fronts)


def _registers(scenario: Scenario, spec: HostSpec) -> float:
    """When the process of a host registers."""
    return spec.starts + (scenario.start_up if spec.start_up is None else spec.start_up)


def _share_for(scenario: Scenario, options: PlannerOptions) -> FleetShare | None:
    """The share of a host that begins now of what the fleet may take, if that is bounded."""
    cap = scenario.fleet_store_rate
    return None if cap is None else FleetShare(cap, acquainted_from=options.acquainted_from)


def _sample(hosts: tuple[HostSpec, ...], every: int) -> list[HostSpec]:
    """Every so many of the hosts, by their start."""
    if every == 1:
        return list(hosts)
    return sorted(hosts, key=lambda spec: spec.starts)[every // 2 :: every]
