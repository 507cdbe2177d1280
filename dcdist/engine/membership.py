"""Keeps this host known to the others and the others known to it: heartbeats out, listings in.

Invariant: what `members` told last is what the planner and the swarm know. A store that does not answer costs nothing
but news; it is reported once until it answers again.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.model.identity import HostId
    from dcdist.model.member import Member
    from dcdist.ports.rendezvous import Rendezvous

FIRST_LOOKS = (0.3, 0.3, 0.4, 1.0, 1.0, 2.0, 3.0)
"""Seconds between the first listings: hosts that start together must find each other at once."""

PATIENCE = 1.5
"""Seconds that the start of a fetch waits for the rendezvous."""

LOOK = 5.0
"""Seconds between listings later on."""

REFRESH = 12.0
"""Seconds between two heartbeats that say the same."""


class Membership:
    """One host's part in the rendezvous of its swarm."""

    def __init__(
        self,
        rendezvous: Rendezvous,
        me: Member,
        *,
        changed: Callable[[tuple[Member, ...], tuple[HostId, ...]], None],
        troubled: Callable[[str], None],
    ) -> None:
        """`changed` is told who joined (or changed) and who left; `troubled` what failed."""
        self._rendezvous = rendezvous
        self._me = me
        self._changed = changed
        self._troubled = troubled
        self._known: dict[HostId, Member] = {}
        self._failing: set[str] = set()
        self._news = asyncio.Event()

    @property
    def me(self) -> Member:
        """This host's heartbeat as it should be."""
        return self._me

    def become(self, me: Member) -> None:
        """This host changed: the next heartbeat, soon, says so."""
        self._me = replace(me, sequence=self._me.sequence + 1)
        self._news.set()

    async def begin(self) -> None:
        """Register, then list once: after this the planner knows who was there. A slow store is not waited for."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._try_announce()
                await self._try_list()
        except TimeoutError:
            # Both are tried again by `run`.
            self._news.set()

    async def run(self) -> None:
        """Go on with heartbeats and listings until cancelled."""
        loop = asyncio.get_running_loop()
        announced = loop.time()
        looks = iter(FIRST_LOOKS)
        while True:
            try:
                async with asyncio.timeout(next(looks, LOOK)):
                    await self._news.wait()
            except TimeoutError:
                pass
            if self._news.is_set() or loop.time() - announced >= REFRESH:
                self._news.clear()
                await self._try_announce()
                announced = loop.time()
            await self._try_list()

    async def _try_announce(self) -> None:
        try:
            await self._rendezvous.announce(self._me)
            self._failing.discard("announce")
        except StoreError as error:
            self._fail("announce", f"this host could not leave its heartbeat, so others may not find it: {error}")

    async def _try_list(self) -> None:
        try:
            members = await self._rendezvous.members()
        except StoreError as error:
            self._fail("list", f"the other hosts could not be listed; those known stay: {error}")
            return
        self._failing.discard("list")
        now = {member.host: member for member in members}
        joined = tuple(member for member in members if self._known.get(member.host) != member)
        left = tuple(host for host in self._known if host not in now)
        self._known = now
        if joined or left:
            self._changed(joined, left)

    def _fail(self, doing: str, message: str) -> None:
        if doing not in self._failing:
            self._failing.add(doing)
            self._troubled(message)
