"""How do hosts know each other? Heartbeats in the store with their age, and the looks of each host at its prefix.

Hosts of prefixes that are cohorts are shown as counterparts of those that are simulated, with another prefix.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dcdist.model.identity import HostId, Prefix, prefix_of
from dcdist.policy.fleet.neighbours import Neighbours
from dcdist.policy.planner_events import MembersChanged, PrefixChanged

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dcdist.model.member import Member
    from dcdist.policy.planner_events import Event
    from dcdist.sim.modelled_store import ModelledStore

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
class ModelledMembership:
    """One host's part: when it looks and announces itself, and what it learns. Drives the real `Neighbours`.

    It does what `dcdist.engine.membership` does, step by step: `proceed` is called when its time, `due`, has come. So
    the store is asked in the order of time, and what one host will ask later keeps no other waiting now.
    `joined`: it has looked at its prefix, or waits for that no longer.
    """

    me: Member
    store: ModelledStore
    heartbeats: Heartbeats
    due: float = 0.0
    joined: bool = False
    _learnt: bool = False
    _steps: Generator[float, float, None] = field(init=False)
    _neighbours: Neighbours = field(init=False)
    _shown: float = float("inf")
    _refresh_at: float = float("inf")
    _changed: bool = False
    _idle: bool = False
    _news: list[Event] = field(default_factory=list)
    _known: dict[HostId, Member] = field(default_factory=dict)
    _bits: int = 0
    _turn: int = 0
    _elsewhere: dict[Prefix, list[HostId]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._neighbours = Neighbours(self.me.host)
        self._steps = self._join(self.due)
        next(self._steps)

    @property
    def prefix(self) -> Prefix:
        """The prefix that this host shares with the members it knows."""
        return self._neighbours.prefix

    @property
    def noticed_from(self) -> float:
        """From when on the others know this host."""
        return self._shown + self._neighbours.noticed_after

    def proceed(self) -> None:
        """Its time has come."""
        self.due = self._steps.send(self.due)

    def become(self, me: Member, *, now: float) -> None:
        """This host changed: its heartbeat says so, at once if it waits."""
        self.me, self._changed = me, True
        if self._idle:
            self.due = now

    def begin_anyway(self, *, now: float) -> None:
        """The fetch waits no longer for the first look: announce and look anew."""
        self.joined = self._changed = True
        self._steps = self._stay(now)
        self.due = next(self._steps)

    def news(self) -> tuple[bool, list[Event]]:
        """Whether a listing was answered since this was asked last; what the planner has to be told of it."""
        learnt, self._learnt = self._learnt, False
        news, self._news = self._news, []
        return learnt, news

    def links(self) -> Iterator[HostId]:
        """The hosts that it wants to trade with."""
        yield from self._known
        for hosts in self._elsewhere.values():
            yield from hosts

    def _join(self, now: float) -> Generator[float, float, None]:
        now = yield now
        now = yield from self._announce(now)
        now, _ = yield from self._look(now)
        self.joined = True
        if self._bits:
            now = yield from self._look_elsewhere(now)
        yield from self._stay(now)

    def _stay(self, now: float) -> Generator[float, float, None]:
        looked, looks = now, 0
        while True:
            look_at = looked + self._neighbours.look_after(looks)
            self._idle = True
            now = yield now if self._changed else max(now, min(look_at, self._refresh_at))
            self._idle = False
            changed, self._changed = self._changed, False
            if changed or now >= self._refresh_at:
                now = yield from self._announce(now)
            if changed or now >= look_at:
                now, found = yield from self._look(now)
                if found:
                    now = yield from self._look_elsewhere(now)
                looked, looks = now, looks + 1

    def _announce(self, now: float) -> Generator[float, float, float]:
        there = self.store.announced(now=now)
        # One that is put again was there all the time.
        self.heartbeats.put(self.me, now=now if self._shown < float("inf") else there)
        self._shown = min(self._shown, there)
        now = yield there
        self._refresh_at = now + self._neighbours.refresh
        return now

    def _look(self, now: float) -> Generator[float, float, tuple[float, bool]]:
        """List a shorter or longer prefix until it is of the right size; whether that was found."""
        now, members = yield from self._members(now)
        if members is None:
            return now, False
        self._learnt = True
        if self._neighbours.prefix.bits != self._bits:
            self._bits = self._neighbours.prefix.bits
            self._news.append(PrefixChanged(self._bits))
        joined = tuple(each for each in members.values() if self._known.get(each.host) != each)
        left = tuple(host for host in self._known if host not in members)
        self._known = members
        self._news.append(MembersChanged(joined, left))
        return now, True

    def _members(self, now: float) -> Generator[float, float, tuple[float, dict[HostId, Member] | None]]:
        bits, fresh = -1, 0.0
        listed: list[Member] = []
        for _ in range(_MOST_STEPS):
            prefix = self._neighbours.prefix
            if bits < 0 or prefix.bits < bits or not self._neighbours.is_of_use(fresh):
                bits, fresh = prefix.bits, self._neighbours.listing_age
                now = yield self.store.listed(now=now)
                listed = self._listed(prefix, now, fresh)
            members = {each.host: each for each in listed if prefix.holds(each.host)}
            if self._neighbours.counted(len(members)):
                return now, members
        return now, None

    def _look_elsewhere(self, now: float) -> Generator[float, float, float]:
        prefixes = self._neighbours.elsewhere()
        self._elsewhere = {prefix: self._elsewhere[prefix] for prefix in prefixes if prefix in self._elsewhere}
        count = 1 if len(self._elsewhere) == len(prefixes) else _ELSEWHERE_AT_FIRST
        for _ in range(min(count, len(prefixes))):
            prefix = prefixes[self._turn % len(prefixes)]
            self._turn += 1
            now = yield self.store.listed(now=now)
            chosen = self._neighbours.chosen(self._listed(prefix, now, self._neighbours.stale_after))
            self._elsewhere[prefix] = [each.host for each in chosen]
        self._learnt = True
        return now

    def _listed(self, prefix: Prefix, now: float, stale_after: float) -> list[Member]:
        others = self.heartbeats.under(prefix, now=now, stale_after=stale_after)
        return [each for each in others if each.host != self.me.host]
