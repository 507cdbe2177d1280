"""What do links carry in one epoch? What hosts ask of the store and of each other, shared as TCP flows share it.

A request that ends within an epoch would be followed by the next one at once, but hosts are asked only when the next
epoch begins. What the store could not send for want of that request it sends then, as if it had not waited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcdist.sim.sharing import Flow, max_min

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.pieces import Bits
    from dcdist.sim.host import Host, Request
    from dcdist.sim.modelled_store import ModelledStore
    from dcdist.sim.numbering import Numbering
    from dcdist.sim.scenario import SwarmSpec
    from dcdist.sim.trading import PeerLink

_From = tuple["Host", "PeerLink"]


class Carrying:
    """The links of all `hosts`, by their numbers. A peer is known by its key: its number and its prefix's shift."""

    def __init__(self, hosts: dict[int, Host], numbering: Numbering, store: ModelledStore, swarm: SwarmSpec) -> None:
        self._hosts = hosts
        self._numbering = numbering
        self._store = store
        self._swarm = swarm
        self._saved_up = 0.0
        self._translated: dict[int, tuple[Bits, Bits]] = {}

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
        if not shift:
            return trader.have
        padded, translated = self._translated.get(key, (0, 0))
        if padded is not trader.padded:
            translated = self._numbering.translate(trader.padded, shift)
            self._translated[key] = trader.padded, translated
        return translated

    def available(self, host: Host) -> Bits:
        """The pieces that at least one peer of a host has."""
        available = 0
        for key in host.trader.links:
            available |= self.held_by(key)
        return available

    def lacking(self, host: Host) -> tuple[int, ...]:
        """What each peer of a host that is not done yet lacks, in bytes (whole pieces)."""
        traders = (self._hosts[self.split(key)[0]].trader for key in host.trader.links)
        return tuple(trader.lacking for trader in traders if not trader.complete)

    def carry(self, now: float, then: float) -> Iterator[tuple[Host, Bits]]:
        """Let links carry what was asked, from now until then: the hosts that got whole pieces, and which."""
        hosts = list(self._hosts.values())
        place = {host.number: position for position, host in enumerate(hosts, start=1)}
        seconds, count = then - now, len(hosts)
        capacities = [self._store.rate * seconds + self._saved_up]
        capacities += [host.spec.up * seconds for host in hosts]
        capacities += [host.spec.down * seconds for host in hosts]
        flows: list[Flow] = []
        ends: list[tuple[Host, list[Request], list[_From]]] = []
        for receiver, host in enumerate(hosts, start=count + 1):
            requests: list[Request] = []
            for request, wanted in host.asking(now=now, seconds=seconds):
                flows.append(Flow(0, receiver, wanted, request.weight))
                requests.append(request)
            trading = host.done_at is None and host.opens is None
            ends.append((host, requests, self._ask(host, receiver, place, flows, seconds) if trading else []))
        volumes = iter(max_min(capacities, flows))
        unsent, ended = capacities[0], False
        fresh: dict[int, Bits] = {}
        for host, requests, links in ends:
            done = 0
            for request in requests:
                volume = next(volumes)
                self._store.load.sent += volume
                unsent -= volume
                done |= host.came(request, volume, now=then)
                ended |= request.over
            done |= self._give(host, links, volumes, seconds)
            if done:
                fresh[host.number] = done
        self._saved_up = min(unsent, self._store.rate * seconds) if ended else 0.0
        for number, bits in fresh.items():
            yield self._hosts[number], bits

    def _ask(self, host: Host, receiver: int, place: dict[int, int], flows: list[Flow], seconds: float) -> list[_From]:
        """Add what a host wants of its peers, in bytes of their links; from whom it wants that."""
        trader, rarity = host.trader, host.neighbourhood
        asked: list[_From] = []
        if rarity is None:
            return asked
        cohorts, hosts = self._numbering.cohorts, self._hosts
        efficiency, queue = self._swarm.efficiency, host.seconds_ahead
        most = max(1.0, self._swarm.queue_bytes)
        trader.begin_asking()
        for key, link in trader.links.items():
            wanted = trader.asked_of(link) if link.asked else 0.0
            rate = link.rate
            ahead = min(max(1.0, rate * queue), most)
            if ahead < 2 * rate * seconds:
                ahead = 2 * rate * seconds
            if wanted < ahead:
                wanted += trader.ask(link, self.held_by(key), ahead - wanted, rarity)
            if wanted > 0:
                number = key // cohorts
                flows.append(Flow(place[number], receiver, wanted / efficiency, host.spec.peer_pull))
                asked.append((hosts[number], link))
        return asked

    def _give(self, host: Host, links: list[_From], volumes: Iterator[float], seconds: float) -> Bits:
        """A host gets of its peers what the links carried: the pieces that are whole now."""
        done = 0
        efficiency, take, slowness = self._swarm.efficiency, host.trader.take, min(1.0, seconds)
        for sender, link in links:
            payload = next(volumes) * efficiency
            link.rate += (payload / seconds - link.rate) * slowness
            bits, used = take(link, payload)
            done |= bits
            host.given += used
            sender.sent += payload
        return done
