"""How do simulated hosts know each other? Heartbeats in the modelled store, and the `Lookout` of each host.

The hosts of a prefix that is a cohort appear as counterparts of those that are simulated, with another prefix.
Invariant: the store is asked in the order of time, so no host waits for what another asks later.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from dcdist.model.identity import HostId, Prefix, prefix_of
from dcdist.policy.fleet.lookout import Announce, Answer, ListMembers, Lookout, WaitUntil

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dcdist.model.member import Member
    from dcdist.policy.fleet.lookout import Ask, Notice
    from dcdist.sim.modelled_store import ModelledStore

_FINEST = 20


class Heartbeats:
    """The objects by which hosts show themselves: one a host, with the time at which it was put.

    `bits`, `prefix`: the prefix that is simulated; all others of that length are like it.
    """

    def __init__(self, *, bits: int = 0, prefix: int = 0) -> None:
        self._bits = bits
        self._prefix = prefix
        self._put: dict[HostId, tuple[float, Member]] = {}
        self._by_prefix: dict[Prefix, dict[HostId, None]] = {}

    def put(self, member: Member, *, now: float, there: float) -> None:
        """A host announces itself: the first time it is seen once its heartbeat is there, from then on always."""
        at, _ = self._put.get(member.host, (there, member))
        if member.host not in self._put:
            for bits in range(0, _FINEST + 1, 2):
                self._by_prefix.setdefault(Prefix.of(member.host, bits), {})[member.host] = None
        self._put[member.host] = (max(at, now), member)

    def under(self, prefix: Prefix, *, now: float, stale_after: float) -> Iterator[Member]:
        """The members of a prefix whose heartbeats are fresh; counterparts have addresses of their own."""
        for shift, counterpart in self._counterparts(prefix):
            for host in self._by_prefix.get(counterpart, ()):
                at, member = self._put[host]
                if 0 <= now - at <= stale_after:
                    yield member if not shift else self._shifted_member(member, shift)

    def _shifted_member(self, member: Member, shift: int) -> Member:
        return replace(member, host=self.shifted(member.host, shift), address=f"counterpart-{shift}")

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
    """One host's lookout in modelled time: call `proceed` when its time, `due` (seconds), has come."""

    lookout: Lookout
    store: ModelledStore
    heartbeats: Heartbeats
    due: float = 0.0
    _asked: Ask | None = field(default=None, init=False)

    def proceed(self) -> None:
        """Its time has come: what it asked for is answered, and it asks for the next."""
        if self._asked is not None:
            self.lookout.answer(Answer(self.due, self._listed(self._asked)))
        self._asked = self.lookout.ask
        self.due = self._answered_at(self._asked)

    def become(self, me: Member, *, now: float) -> None:
        """This host changed: its heartbeat says so, at once if it waits."""
        self.lookout.become(me)
        if isinstance(self._asked, WaitUntil):
            self.due = now

    def begin_anyway(self, *, now: float) -> None:
        """The fetch waits no longer for the first look: announce and look anew."""
        self.lookout.begin_anyway(now=now)
        self._asked, self.due = None, now

    def notices(self) -> tuple[Notice, ...]:
        """What the listings showed that were answered since this was asked last."""
        return self.lookout.notices()

    def _answered_at(self, ask: Ask) -> float:
        match ask:
            case WaitUntil(time):
                return max(self.due, time)
            case Announce(member):
                there = self.store.announced(now=self.due)
                self.heartbeats.put(member, now=self.due, there=there)
                return there
            case ListMembers():
                return self.store.listed(now=self.due)
            case _:
                assert_never(ask)

    def _listed(self, ask: Ask) -> tuple[Member, ...]:
        """What a listing shows that is answered now."""
        if not isinstance(ask, ListMembers):
            return ()
        others = self.heartbeats.under(ask.prefix, now=self.due, stale_after=ask.stale_after)
        return tuple(each for each in others if each.host != self.lookout.me.host)
