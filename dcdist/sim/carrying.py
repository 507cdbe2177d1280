"""What do links carry in one epoch? What hosts ask of the store and of each other, shared as TCP flows share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.sim.host import Request
from dcdist.sim.sharing import Flow, max_min

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.pieces import Bits
    from dcdist.sim.host import Host
    from dcdist.sim.release import Numbering
    from dcdist.sim.scenario import SwarmSpec
    from dcdist.sim.store import Store
    from dcdist.sim.trading import Link

_From = Request | tuple["Host", "Link"]


class Carrying:
    """The links of all `hosts`, by their numbers. A peer is known by its key: its number and its prefix's shift."""

    def __init__(self, hosts: dict[int, Host], numbering: Numbering, store: Store, swarm: SwarmSpec) -> None:
        self._hosts = hosts
        self._numbering = numbering
        self._store = store
        self._swarm = swarm

    def key(self, number: int, shift: int) -> int:
        """The key of a peer."""
        return number * self._numbering.cohorts + shift

    def split(self, key: int) -> tuple[int, int]:
        """Number and shift of a peer."""
        return divmod(key, self._numbering.cohorts)

    def held_by(self, key: int) -> Bits:
        """The pieces that a peer has."""
        number, shift = self.split(key)
        trader = self._hosts[number].trader
        return self._numbering.translate(trader.padded, shift) if shift else trader.have

    def available(self, host: Host) -> Bits:
        """The pieces that at least one peer of a host has."""
        available = 0
        for key in host.trader.links:
            available |= self.held_by(key)
        return available

    def carry(self, now: float, then: float) -> Iterator[tuple[Host, Bits]]:
        """Let links carry what was asked, from now until then: the hosts that got whole pieces, and which."""
        hosts = list(self._hosts.values())
        place = {host.number: position for position, host in enumerate(hosts, start=1)}
        seconds, count = then - now, len(hosts)
        capacities = [self._store.rate * seconds]
        capacities += [host.spec.up * seconds for host in hosts]
        capacities += [host.spec.down * seconds for host in hosts]
        flows: list[Flow] = []
        ends: list[tuple[Host, _From]] = []
        for host in hosts:
            receiver = count + place[host.number]
            for request, wanted in host.asking(now=now, seconds=seconds):
                flows.append(Flow(0, receiver, wanted, request.weight))
                ends.append((host, request))
            if host.done_at is None and host.opens is None:
                for sender, link, wanted in self._asked(host, seconds):
                    flows.append(Flow(place[sender.number], receiver, wanted))
                    ends.append((host, (sender, link)))
        fresh: dict[int, Bits] = {}
        for (host, source), volume in zip(ends, max_min(capacities, flows), strict=True):
            if isinstance(source, Request):
                self._store.load.sent += volume
                done = host.came(source, volume, now=then)
            else:
                done = self._given(host, *source, volume * self._swarm.efficiency, seconds)
            if done:
                fresh[host.number] = fresh.get(host.number, 0) | done
        for number, bits in fresh.items():
            yield self._hosts[number], bits

    def _asked(self, host: Host, seconds: float) -> Iterator[tuple[Host, Link, float]]:
        """What a host wants of its peers: bytes of their links."""
        swarm, trader, rarity = self._swarm, host.trader, host.neighbourhood
        if rarity is None:
            return
        for key, link in trader.links.items():
            wanted = trader.asked_of(link)
            ahead = max(1.0, 2 * link.rate * seconds, min(link.rate * swarm.queue_seconds, swarm.queue_bytes))
            if wanted < ahead:
                wanted += trader.ask(link, self.held_by(key), ahead - wanted, rarity)
            if wanted > 0:
                yield self._hosts[self.split(key)[0]], link, wanted / swarm.efficiency

    def _given(self, host: Host, sender: Host, link: Link, payload: float, seconds: float) -> Bits:
        link.rate += (payload / seconds - link.rate) * min(1.0, seconds)
        done, used = host.trader.take(link, payload)
        host.given += used
        sender.sent += payload
        return done
