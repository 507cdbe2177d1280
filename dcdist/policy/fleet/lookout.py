"""Which hosts does this host know, and when do they know it? It shows itself, looks at its prefix and a little beyond.

A lookout asks, waits for the answer, and asks again. It sees no clock, no store and no event loop: a fetch and the
simulator carry out what it asks and pass on what it finds. `Neighbours` says which prefix to look at, and how often.

Invariants: the notices so far add up to the members and links of now; a store that fails costs nothing but news.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from dcdist.policy.fleet.neighbours import Neighbours
from dcdist.policy.planner_events import MembersChanged, PrefixChanged

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from dcdist.model.identity import Address, HostId, Prefix
    from dcdist.model.member import Member

MOST_STEPS = 16
"""Steps that one look takes towards the right prefix; if hosts come so fast that this is too few, the next goes on."""

_OTHERS_AT_FIRST = 2
"""Other prefixes that are listed with a look, until each was listed once; later one after another."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Leave this heartbeat in the store; others ignore it once it is `stale_after` seconds old."""

    member: Member
    stale_after: float


@dataclass(frozen=True, slots=True)
class ListMembers:
    """List the other members of a prefix whose heartbeats are at most `stale_after` seconds old."""

    prefix: Prefix
    stale_after: float


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """Answer at this time; sooner, at once, when this host changes (`Lookout.become`)."""

    time: float


Ask = Announce | ListMembers | WaitUntil


@dataclass(frozen=True, slots=True)
class Answer:
    """The time of the answer, in seconds, and the members if a listing was asked for; or that the store failed."""

    now: float
    members: Sequence[Member] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class LinkWanted:
    """Trade with this host from now on."""

    member: Member


@dataclass(frozen=True, slots=True)
class LinkUnwanted:
    """Dial this host no more."""

    member: Member


Notice = MembersChanged | PrefixChanged | LinkWanted | LinkUnwanted


class Lookout:
    """One host's part in the rendezvous: carry out `ask`, give the answer to `answer`, take the `notices`."""

    def __init__(self, me: Member) -> None:
        self._me = me
        self._neighbours = Neighbours(me.host)
        self._now = 0.0
        self._bits = 0
        self._known: dict[HostId, Member] = {}
        self._beyond: dict[Prefix, Sequence[Member]] = {}
        self._turn = 0
        self._linked: dict[Address, dict[HostId, Member]] = {}
        self._announced: float | None = None
        self._shown: float | None = None
        self._changed = False
        self._joined = False
        self._looked = False
        self._notices: list[Notice] = []
        self._steps = self._join()
        self._ask = next(self._steps)

    @property
    def me(self) -> Member:
        """This host's heartbeat as it should be."""
        return self._me

    @property
    def ask(self) -> Ask:
        """What to do next."""
        return self._ask

    @property
    def joined(self) -> bool:
        """Whether this host has tried to announce itself and to look, or waits for that no longer."""
        return self._joined

    @property
    def partners(self) -> tuple[Member, ...] | None:
        """The members to trade with: those of the prefix, and a few beyond; None before the first look.

        A host that was killed and started again is listed under its old id too, at the same address, for a while.
        """
        if not self._looked:
            return None
        return tuple(member for members in self._linked.values() for member in members.values())

    @property
    def prefix(self) -> Prefix:
        """The prefix to list next; between two looks the one whose members this host knows."""
        return self._neighbours.prefix

    @property
    def noticed_from(self) -> float:
        """The time from which all others know this host; infinite while it could leave no heartbeat."""
        return float("inf") if self._shown is None else self._shown + self._neighbours.noticed_after

    @property
    def listed_for(self) -> float:
        """Seconds after its death for which a host may still be one of the `partners`."""
        return self._neighbours.listed_for

    def answer(self, answer: Answer) -> None:
        """`ask` was carried out, or could not be: go on to what to do next."""
        self._ask = self._steps.send(answer)

    def notices(self) -> tuple[Notice, ...]:
        """What changed since this was asked last, in order."""
        if not self._notices:
            return ()
        notices, self._notices = tuple(self._notices), []
        return notices

    def become(self, me: Member) -> None:
        """This host changed: its next heartbeat, which comes at once if it waits, says so and is followed by a look."""
        self._me = replace(me, sequence=self._me.sequence + 1)
        self._changed = True

    def moved(self, address: str, port: int) -> None:
        """Others reach this host there now: the heartbeat that it is about to leave says so, or another one soon."""
        if (address, port) == (self._me.address, self._me.port):
            return
        self._me = replace(self._me, address=address, port=port, sequence=self._me.sequence + 1)
        if isinstance(self._ask, Announce):
            self._ask = replace(self._ask, member=self._me)
        else:
            self._changed = True

    def begin_anyway(self, *, now: float) -> None:
        """The fetch waits no longer for the answer to `ask`: it is forgotten. Announce and look anew."""
        self._now = now
        self._joined = self._changed = True
        self._steps = self._stay(now)
        self._ask = next(self._steps)

    def _asked(self, ask: Ask) -> Generator[Ask, Answer, Answer]:
        answer = yield ask
        self._now = answer.now
        return answer

    def _join(self) -> Generator[Ask, Answer, None]:
        """Register, then look: after this the planner knows the hosts that were there first."""
        yield from self._announce()
        yield from self._look()
        self._joined = True
        looked = self._now
        if self._bits and not self._changed:
            # A prefix has a small part of the release: the rest must come from others, at once.
            yield from self._look_beyond()
        yield from self._stay(looked)

    def _stay(self, looked: float) -> Generator[Ask, Answer, None]:
        """Heartbeats and looks for as long as this host is there."""
        looks = 0
        while True:
            look_at = looked + self._neighbours.look_after(looks)
            announce_at = look_at if self._announced is None else self._announced + self._neighbours.refresh
            if not self._changed:
                yield from self._asked(WaitUntil(min(look_at, announce_at)))
            changed, self._changed = self._changed, False
            if changed or self._now >= announce_at:
                yield from self._announce()
            due = self._now >= look_at
            if changed or due:
                if (yield from self._look()):
                    yield from self._look_beyond()
                # A look because this host changed is one more, not one of those that become rarer.
                looked, looks = self._now, looks + due

    def _announce(self) -> Generator[Ask, Answer, None]:
        self._announced = None
        answer = yield from self._asked(Announce(self._me, self._neighbours.stale_after))
        if answer.failed:
            self._shown = None
            return
        self._announced = answer.now
        if self._shown is None:
            self._shown = answer.now

    def _look(self) -> Generator[Ask, Answer, bool]:
        """List a shorter or longer prefix until it is of the right size, and say what changed; whether that worked."""
        members = yield from self._members()
        if members is None:
            return False
        now = {member.host: member for member in members}
        joined = tuple(member for member in members if self._known.get(member.host) != member)
        left = tuple(host for host in self._known if host not in now)
        self._known = now
        self._looked = True
        self._link()
        if self._bits != self.prefix.bits:
            self._bits = self.prefix.bits
            self._notices.append(PrefixChanged(self._bits))
        self._notices.append(MembersChanged(joined, left))
        return True

    def _members(self) -> Generator[Ask, Answer, Sequence[Member] | None]:
        """The other members of the prefix of the right size; None if it was not found."""
        bits, fresh, listed = 0, 0.0, None
        for _ in range(MOST_STEPS):
            prefix = self._neighbours.prefix
            # A listing of a shorter prefix holds the members of the longer ones.
            if listed is None or prefix.bits < bits or not self._neighbours.is_of_use(fresh):
                bits, fresh = prefix.bits, self._neighbours.listing_age
                answer = yield from self._asked(ListMembers(prefix, fresh))
                if answer.failed:
                    return None
                listed = answer.members
            members = [member for member in listed if prefix.holds(member.host)]
            if self._neighbours.counted(len(members)):
                return members
        return None

    def _look_beyond(self) -> Generator[Ask, Answer, None]:
        """Find hosts of other prefixes to link to, a prefix or two at a time."""
        prefixes = self._neighbours.elsewhere()
        self._beyond = {prefix: self._beyond[prefix] for prefix in prefixes if prefix in self._beyond}
        count = 1 if len(self._beyond) == len(prefixes) else _OTHERS_AT_FIRST
        for _ in range(min(count, len(prefixes))):
            prefix = prefixes[self._turn % len(prefixes)]
            answer = yield from self._asked(ListMembers(prefix, self._neighbours.stale_after))
            if answer.failed:
                break
            self._turn += 1
            self._beyond[prefix] = self._neighbours.chosen(answer.members)
        self._link()

    def _link(self) -> None:
        """Say which endpoints are wanted now that were not before, and which are no more.

        One that a host with another id took over is wanted anew: what is known of it is true of the old one. Which of
        two ids is alive no heartbeat tells, as each counts its changes by itself; so both stay while both are listed.
        """
        before, self._linked = self._linked, {}
        for member in chain(self._known.values(), *self._beyond.values()):
            self._linked.setdefault((member.address, member.port), {}).setdefault(member.host, member)
        for place, members in before.items():
            if place not in self._linked or self._linked[place].keys() - members.keys():
                self._notices.append(LinkUnwanted(next(iter(members.values()))))
        for place, members in self._linked.items():
            if new := [member for host, member in members.items() if host not in before.get(place, {})]:
                self._notices.append(LinkWanted(new[0]))
