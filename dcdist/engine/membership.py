"""Keeps this host known to the others and the others known to it: carries out what a `Lookout` asks.

Invariants: what the listeners heard last is what the lookout knows. A question that the store does not answer is
reported once, until it answers that question again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from dcdist.errors import StoreError
from dcdist.policy.fleet.lookout import (
    Announce,
    Answer,
    Ask,
    LinkUnwanted,
    LinkWanted,
    ListMembers,
    Lookout,
    Notice,
    WaitUntil,
)
from dcdist.policy.planner_events import MembersChanged, PrefixChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.identity import Address, Prefix
    from dcdist.model.member import Member
    from dcdist.ports.rendezvous import Rendezvous


@dataclass(frozen=True, slots=True)
class Listeners:
    """The functions that hear of what a look found.

    `news`: the prefix changed, or its members did; after each look. `linked`, `unlinked`: address and port of a host to
    trade with, in this prefix or another, and of one that is no longer wanted. `troubled`: what failed, for people.
    """

    news: Callable[[MembersChanged | PrefixChanged], None]
    linked: Callable[[str, int], None]
    unlinked: Callable[[str, int], None]
    troubled: Callable[[str], None]


class Membership:
    """One host's part in the rendezvous of its swarm."""

    def __init__(
        self,
        rendezvous: Rendezvous,
        me: Member,
        listeners: Listeners,
        *,
        patience: float,
        whereabouts: Callable[[], Address | None] = lambda: None,
    ) -> None:
        """`patience`: seconds that `begin` waits for the rendezvous.

        `whereabouts` is asked before each heartbeat and each look where this host can be reached now; None: where it
        was before.
        """
        self._rendezvous = rendezvous
        self._listeners = listeners
        self._patience = patience
        self._whereabouts = whereabouts
        self._lookout = Lookout(me)
        self._changed = asyncio.Event()
        self._failing: set[Prefix | None] = set()

    @property
    def me(self) -> Member:
        """This host's heartbeat as it should be."""
        return self._lookout.me

    @property
    def noticed_from(self) -> float:
        """When all others know this host, by the loop's clock; infinite while it could leave no heartbeat."""
        return self._lookout.noticed_from

    @property
    def partners(self) -> tuple[Member, ...] | None:
        """The other hosts to trade with; None before the first look."""
        return self._lookout.partners

    @property
    def listed_for(self) -> float:
        """Seconds after its death for which another host may still be one of the `partners`."""
        return self._lookout.listed_for

    @property
    def advertised(self) -> Address | None:
        """Where this host told others to connect; None while it could leave no heartbeat."""
        return None if self.noticed_from == float("inf") else (self.me.address, self.me.port)

    def become(self, me: Member) -> None:
        """This host changed: the next heartbeat, soon, says so."""
        self._lookout.become(me)
        self._changed.set()

    async def begin(self) -> None:
        """Register and look: after this the planner knows the hosts that were there. A slow store is not waited for."""
        try:
            async with asyncio.timeout(self._patience):
                while not self._lookout.joined:
                    await self._step()
        except TimeoutError:
            # `run` tries both again.
            self._lookout.begin_anyway(now=asyncio.get_running_loop().time())

    async def run(self) -> None:
        """Go on with heartbeats and looks until cancelled."""
        while True:
            await self._step()

    async def _step(self) -> None:
        self._lookout.answer(await self._answer())
        for notice in self._lookout.notices():
            self._pass_on(notice)

    def _pass_on(self, notice: Notice) -> None:
        match notice:
            case LinkWanted(member):
                self._listeners.linked(member.address, member.port)
            case LinkUnwanted(member):
                self._listeners.unlinked(member.address, member.port)
            case MembersChanged() | PrefixChanged():
                self._listeners.news(notice)
            case _:
                assert_never(notice)

    async def _answer(self) -> Answer:
        """Carry out what the lookout asks."""
        loop = asyncio.get_running_loop()
        if place := self._whereabouts():
            self._lookout.moved(*place)
        ask = self._lookout.ask
        members: tuple[Member, ...] = ()
        try:
            match ask:
                case WaitUntil(time):
                    await self._wait(time)
                case Announce(member, stale_after):
                    await self._rendezvous.announce(member, stale_after=stale_after)
                    self._failing.discard(None)
                case ListMembers(prefix, stale_after):
                    members = await self._rendezvous.members(prefix, stale_after=stale_after)
                    self._failing.discard(prefix)
                case _:
                    assert_never(ask)
        except StoreError as error:
            self._fail(ask, error)
            return Answer(loop.time(), failed=True)
        return Answer(loop.time(), members)

    async def _wait(self, time: float) -> None:
        try:
            async with asyncio.timeout_at(time):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._changed.clear()

    def _fail(self, ask: Ask, error: StoreError) -> None:
        question = ask.prefix if isinstance(ask, ListMembers) else None
        if question in self._failing:
            return
        self._failing.add(question)
        if question is None:
            message = "this host could not leave its heartbeat, so others may not find it"
        elif question.holds(self.me.host):
            message = "cannot list other hosts; keeping the known ones"
        else:
            message = "hosts of another part of the fleet could not be listed"
        self._listeners.troubled(f"{message}: {error}")
