"""Watches which of the listed hosts this one reaches, and says so when they are hardly any, or nobody gives.

Invariant: each is said once, until it has changed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dcdist.engine import troubles
from dcdist.policy.fleet.reachability import MemberCounts, Reachability

if TYPE_CHECKING:
    from collections.abc import Callable

    from dcdist.engine.fetch_events import Troubled
    from dcdist.engine.fetch_job import Job
    from dcdist.engine.membership import Membership
    from dcdist.model.identity import Address
    from dcdist.policy.fleet.reachability import Contact
    from dcdist.ports.swarm import Swarm

_NAMED_FOR = 60.0
"""Seconds for which a host that only the user named may be silent after it was reached: it may be starting again."""


_HUNG_UP_FOR = 30.0
"""Seconds for which hosts may answer and hang up before people hear of it, where nothing can come but from them."""


class ReachWatch:
    """The watch of one fetch; `membership` is None for a host that meets others by their addresses alone."""

    def __init__(
        self, job: Job, swarm: Swarm, membership: Membership | None, *, report: Callable[[Troubled], None]
    ) -> None:
        self._job = job
        self._swarm = swarm
        self._membership = membership
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._reachability = Reachability()
        self._alone = False
        self._lacks_something = True
        self._let_in_at: float | None = None

    @property
    def counts(self) -> MemberCounts:
        """As of the last look."""
        return self._reachability.counts

    @property
    def advertised(self) -> Address | None:
        """The address that others are told; None if they are told none."""
        return None if self._membership is None else self._membership.advertised

    def look(self) -> None:
        """Look at all hosts that are listed, or named by the user."""
        contacts = self._contacts()
        listed_for = _NAMED_FOR if self._membership is None else self._membership.listed_for
        cut_off = self._reachability.look(contacts, now=self._loop.time(), listed_for=listed_for)
        if cut_off:
            told = self.advertised or next(iter(self._swarm.listening), None)
            self._report(troubles.hosts_are_cut_off(cut_off, self.counts, told))
        was_alone, self._alone = self._alone, not contacts and self._waits_for_others()
        if self._alone and not was_alone:
            self._report(troubles.nobody_gives(self._job.release.name, self._job.options.reach.realm))
        self._look_who_lets_in(contacts)

    def needs_nothing(self) -> None:
        """This host has all that it came for: whoever hangs up now takes nothing from it."""
        self._lacks_something = False

    def _look_who_lets_in(self, contacts: list[Contact]) -> None:
        """A host that hangs up has answered, so it is not unreachable: one that has only such hosts says so once."""
        answering = [each for each in contacts if each.silent_since is None]
        waits = self._lacks_something and self._waits_for_others()
        now = self._loop.time()
        if not waits or not answering or any(each.linked for each in contacts) or self._let_in_at is None:
            self._let_in_at = now
        elif now - self._let_in_at >= _HUNG_UP_FOR:
            self._let_in_at = float("inf")
            self._report(troubles.nobody_lets_in(answering, self.advertised))

    def _contacts(self) -> list[Contact]:
        """How this host stands with each of the others: by their ids, and by the addresses that the user gave."""
        members = () if self._membership is None else self._membership.partners or ()
        found = [self._swarm.contact(each.host, each.address, each.port) for each in members]
        found += [self._swarm.contact(None, *place) for place in self._job.options.reach.peers]
        return [contact for contact in found if contact is not None]

    def _waits_for_others(self) -> bool:
        """Whether this host may take from others only, and knows who is listed."""
        return not self._job.options.draw and (self._membership is None or self._membership.partners is not None)
