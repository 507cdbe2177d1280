"""Keeps this host known to the others and the others known to it: heartbeats out, listings in.

Whom to know and how often to look is for `Neighbours` to say. Invariants: what `narrowed` and `changed` told last is
what the planner knows, and what `linked` and `unlinked` told is what the swarm dials. A store that does not answer
costs nothing but news; it is reported once until it answers again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from dcdist.errors import StoreError
from dcdist.policy.fleet.neighbours import Neighbours
from dcdist.policy.preference import TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dcdist.model.identity import HostId, Prefix
    from dcdist.model.member import Member
    from dcdist.ports.rendezvous import Rendezvous

PATIENCE = TIME.first_look
"""Seconds that the start of a fetch waits for the rendezvous."""

MOST_STEPS = 16
"""Steps that one look takes towards the right prefix; if hosts come so fast that this is too few, the next goes on."""

_ELSEWHERE_AT_FIRST = 2
"""Other prefixes that are listed with a look, until each was listed once; later one after another."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told of what a look found.

    `narrowed`: the bits of the prefix whose members are told from now on; `changed`: who joined it (or changed) and who
    left, after each look; `linked`, `unlinked`: address and port of a host to trade with, in this prefix or another,
    and of one that is not wanted any more; `troubled`: what failed.
    """

    narrowed: Callable[[int], None]
    changed: Callable[[tuple[Member, ...], tuple[HostId, ...]], None]
    linked: Callable[[str, int], None]
    unlinked: Callable[[str, int], None]
    troubled: Callable[[str], None]


class Membership:
    """One host's part in the rendezvous of its swarm."""

    def __init__(self, rendezvous: Rendezvous, me: Member, audience: Audience, *, patience: float = PATIENCE) -> None:
        """`patience`: seconds that `begin` waits for the rendezvous."""
        self._patience = patience
        self._rendezvous = rendezvous
        self._me = me
        self._audience = audience
        self._neighbours = Neighbours(me.host)
        self._bits = 0
        self._known: dict[HostId, Member] = {}
        self._elsewhere: dict[Prefix, Sequence[Member]] = {}
        self._turn = 0
        self._linked: dict[tuple[str, int], None] = {}
        self._announced: float | None = None
        self._shown: float | None = None
        self._failing: set[str] = set()
        self._news = asyncio.Event()

    @property
    def me(self) -> Member:
        """This host's heartbeat as it should be."""
        return self._me

    @property
    def noticed_from(self) -> float:
        """From when on the others know this host, by the loop's clock; infinite while it could leave no heartbeat."""
        return float("inf") if self._shown is None else self._shown + self._neighbours.noticed_after

    def become(self, me: Member) -> None:
        """This host changed: the next heartbeat, soon, says so."""
        self._me = replace(me, sequence=self._me.sequence + 1)
        self._news.set()

    async def begin(self) -> None:
        """Register, then look: after this the planner knows who was there. A slow store is not waited for."""
        try:
            async with asyncio.timeout(self._patience):
                await self._announce()
                await self._look()
        except TimeoutError:
            # Both are tried again by `run`.
            self._news.set()

    async def run(self) -> None:
        """Go on with heartbeats and looks until cancelled."""
        loop = asyncio.get_running_loop()
        looked, looks = loop.time(), 0
        if self._bits and not self._news.is_set():
            # A prefix has a small part of the release: the rest must come from others, at once.
            await self._look_elsewhere()
        while True:
            look_at = looked + self._neighbours.look_after(looks)
            announce_at = look_at if self._announced is None else self._announced + self._neighbours.refresh
            try:
                async with asyncio.timeout_at(min(look_at, announce_at)):
                    await self._news.wait()
            except TimeoutError:
                pass
            news = self._news.is_set()
            self._news.clear()
            if news or loop.time() >= announce_at:
                await self._announce()
            if news or loop.time() >= look_at:
                if await self._look():
                    await self._look_elsewhere()
                looked, looks = loop.time(), looks + 1

    async def _announce(self) -> None:
        self._announced = None
        try:
            await self._rendezvous.announce(self._me, stale_after=self._neighbours.stale_after)
        except StoreError as error:
            self._shown = None
            self._fail("announce", f"this host could not leave its heartbeat, so others may not find it: {error}")
            return
        self._failing.discard("announce")
        self._announced = asyncio.get_running_loop().time()
        if self._shown is None:
            self._shown = self._announced

    async def _look(self) -> bool:
        """List a shorter or longer prefix until it is of the right size, and tell what changed; whether that worked."""
        try:
            members = await self._members()
        except StoreError as error:
            self._fail("list", f"the other hosts could not be listed; those known stay: {error}")
            return False
        self._failing.discard("list")
        if members is None:
            return False
        now = {member.host: member for member in members}
        joined = tuple(member for member in members if self._known.get(member.host) != member)
        left = tuple(host for host in self._known if host not in now)
        self._known = now
        self._link()
        if self._bits != self._neighbours.prefix.bits:
            self._bits = self._neighbours.prefix.bits
            self._audience.narrowed(self._bits)
        self._audience.changed(joined, left)
        return True

    async def _members(self) -> Sequence[Member] | None:
        """The other members of the prefix of the right size; None if it was not found."""
        bits, fresh, listed = 0, 0.0, None
        for _ in range(MOST_STEPS):
            prefix = self._neighbours.prefix
            # A listing of a shorter prefix holds the members of the longer ones.
            if listed is None or prefix.bits < bits or not self._neighbours.is_of_use(fresh):
                bits, fresh = prefix.bits, self._neighbours.listing_age
                listed = await self._rendezvous.members(prefix, stale_after=fresh)
            members = [member for member in listed if prefix.holds(member.host)]
            if self._neighbours.counted(len(members)):
                return members
        return None

    async def _look_elsewhere(self) -> None:
        """Find hosts of other prefixes to link to, a prefix or two at a time."""
        prefixes = self._neighbours.elsewhere()
        self._elsewhere = {prefix: self._elsewhere[prefix] for prefix in prefixes if prefix in self._elsewhere}
        count = 1 if len(self._elsewhere) == len(prefixes) else _ELSEWHERE_AT_FIRST
        for _ in range(min(count, len(prefixes))):
            prefix = prefixes[self._turn % len(prefixes)]
            try:
                members = await self._rendezvous.members(prefix, stale_after=self._neighbours.stale_after)
            except StoreError as error:
                self._fail("elsewhere", f"hosts of another part of the fleet could not be listed: {error}")
                break
            self._failing.discard("elsewhere")
            self._turn += 1
            self._elsewhere[prefix] = self._neighbours.chosen(members)
        self._link()

    def _link(self) -> None:
        """Tell which endpoints are wanted now that were not before, and which are no more."""
        members = chain(self._known.values(), *self._elsewhere.values())
        wanted = {(member.address, member.port): None for member in members}
        before, self._linked = self._linked, wanted
        for endpoint in before:
            if endpoint not in wanted:
                self._audience.unlinked(*endpoint)
        for endpoint in wanted:
            if endpoint not in before:
                self._audience.linked(*endpoint)

    def _fail(self, doing: str, message: str) -> None:
        if doing not in self._failing:
            self._failing.add(doing)
            self._audience.troubled(message)
