"""How do hosts know each other? Heartbeats in the store with their age, and the looks of each host at its prefix.

Hosts of prefixes that are cohorts are shown as counterparts of those that are simulated, with another prefix.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dcdist.model.identity import HostId, Prefix, prefix_of
from dcdist.policy.events import MembersChanged, PrefixChanged
from dcdist.policy.neighbours import Neighbours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.member import Member
    from dcdist.policy.events import Event
    from dcdist.sim.store import Store

_FINEST = 20

_MOST_STEPS = 16
"""Steps that one look takes towards the right prefix."""

_ELSEWHERE_AT_FIRST = 2
"""Other prefixes that are listed with a look, until each was listed once; later one after another."""


class Heartbeats:
    """The objects by which hosts show themselves: one a host, with the time at which it was put.

    `bits`, `prefix`: the prefix that is simulated; all others of that length are like it.
    """

    def __init__(self, *, bits: int = 0, prefix: int = 0) -> None:
        self._bits = bits
        self._prefix = prefix
        self._put: dict[HostId, tuple[float, Member]] = {}
        self._by_prefix: dict[Prefix, dict[HostId, None]] = {}

    def put(self, member: Member, *, now: float) -> None:
        """A host announces itself, anew or again."""
        if member.host not in self._put:
            for bits in range(0, _FINEST + 1, 2):
                self._by_prefix.setdefault(Prefix.of(member.host, bits), {})[member.host] = None
        self._put[member.host] = (now, member)

    def under(self, prefix: Prefix, *, now: float, stale_after: float) -> Iterator[Member]:
        """The members of a prefix whose heartbeat is fresh."""
        for shift, counterpart in self._counterparts(prefix):
            for host in self._by_prefix.get(counterpart, ()):
                at, member = self._put[host]
                if 0 <= now - at <= stale_after:
                    yield member if not shift else replace(member, host=self.shifted(host, shift))

    def _counterparts(self, prefix: Prefix) -> Iterator[tuple[int, Prefix]]:
        finer = prefix.bits - self._bits
        if finer >= 0:
            shift = prefix.value >> finer ^ self._prefix
            yield shift, Prefix(prefix.bits, prefix.value ^ shift << finer)
            return
        simulated = Prefix(self._bits, self._prefix)
        for value in range(prefix.value << -finer, prefix.value + 1 << -finer):
            yield value ^ self._prefix, simulated

    def shifted(self, host: HostId, shift: int) -> HostId:
        """The counterpart of a host in another prefix; the counterpart of that is the host again."""
        return HostId(f"{int(host, 16) ^ shift << 128 - self._bits:032x}") if shift else host

    def shift_of(self, host: HostId) -> int:
        """Its prefix XOR the one that is simulated."""
        return prefix_of(host, self._bits) ^ self._prefix


@dataclass(slots=True)
class Membership:
    """One host's part: when it looks and announces itself, and what it learns. Drives the real `Neighbours`."""

    me: Member
    store: Store
    heartbeats: Heartbeats
    next_look: float = 0.0
    next_refresh: float = 0.0
    _shown: float = float("inf")
    _neighbours: Neighbours = field(init=False)
    _known: dict[HostId, Member] = field(default_factory=dict)
    _bits: int = 0
    _looks: int = 0
    _turn: int = 0
    _begun: bool = False
    _elsewhere: dict[Prefix, list[HostId]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._neighbours = Neighbours(self.me.host)

    @property
    def prefix(self) -> Prefix:
        """The prefix that this host shares with the members it knows."""
        return self._neighbours.prefix

    @property
    def noticed_from(self) -> float:
        """From when on the others know this host."""
        return self._shown + self._neighbours.noticed_after

    def announce(self, me: Member, *, now: float) -> float:
        """Put the heartbeat; when it is there."""
        first, self.me = self.me == me and not self._looks, me
        there = self.store.announced(now=now)
        self._shown = min(self._shown, there)
        # One that is put again was there all the time.
        self.heartbeats.put(me, now=there if first else now)
        self.next_refresh = there + self._neighbours.refresh
        return there

    def look(self, *, now: float) -> tuple[float, list[Event]]:
        """List a shorter or longer prefix until it is of the right size, then others to link to.

        When the last listing is answered, and what the planner is told then.
        """
        if self._begun:
            self._begun = False
            self._look_elsewhere(now)
            self.next_look = now + self._neighbours.look_after(self._looks)
            return now, []
        answered, members = self._members(now)
        self._begun = not self._looks and self.prefix.bits > 0
        if members is not None and self._looks:
            self._look_elsewhere(answered)
        # The fetch does not wait for other prefixes, but they are looked at right after.
        self.next_look = answered + (0.0 if self._begun else self._neighbours.look_after(self._looks))
        self._looks += 1
        if members is None:
            return answered, []
        events: list[Event] = []
        if self._neighbours.prefix.bits != self._bits:
            self._bits = self._neighbours.prefix.bits
            events.append(PrefixChanged(self._bits))
        joined = tuple(each for each in members.values() if self._known.get(each.host) != each)
        left = tuple(host for host in self._known if host not in members)
        self._known = members
        if joined or left:
            events.append(MembersChanged(joined, left))
        return answered, events

    def links(self) -> Iterator[HostId]:
        """The hosts that it wants to trade with."""
        yield from self._known
        for hosts in self._elsewhere.values():
            yield from hosts

    def _members(self, now: float) -> tuple[float, dict[HostId, Member] | None]:
        bits, fresh = -1, 0.0
        listed: list[Member] = []
        for _ in range(_MOST_STEPS):
            prefix = self._neighbours.prefix
            if bits < 0 or prefix.bits < bits or not self._neighbours.is_of_use(fresh):
                bits, fresh = prefix.bits, self._neighbours.listing_age
                now = self.store.listed(now=now)
                listed = self._listed(prefix, now, fresh)
            members = {each.host: each for each in listed if prefix.holds(each.host)}
            if self._neighbours.counted(len(members)):
                return now, members
        return now, None

    def _look_elsewhere(self, now: float) -> None:
        prefixes = self._neighbours.elsewhere()
        self._elsewhere = {prefix: self._elsewhere[prefix] for prefix in prefixes if prefix in self._elsewhere}
        count = 1 if len(self._elsewhere) == len(prefixes) else _ELSEWHERE_AT_FIRST
        for _ in range(min(count, len(prefixes))):
            prefix = prefixes[self._turn % len(prefixes)]
            self._turn += 1
            now = self.store.listed(now=now)
            chosen = self._neighbours.chosen(self._listed(prefix, now, self._neighbours.stale_after))
            self._elsewhere[prefix] = [each.host for each in chosen]

    def _listed(self, prefix: Prefix, now: float, stale_after: float) -> list[Member]:
        others = self.heartbeats.under(prefix, now=now, stale_after=stale_after)
        return [each for each in others if each.host != self.me.host]
