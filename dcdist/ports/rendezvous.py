"""Where hosts of one swarm find each other: a place to leave one's own heartbeat and to read those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dcdist.model.identity import Prefix
    from dcdist.model.member import Member


class Rendezvous(Protocol):
    """The hosts of one demo in one realm."""

    async def announce(self, member: Member, *, stale_after: float) -> None:
        """Leave this host's heartbeat, or refresh it; an earlier one of this host is replaced.

        `stale_after`: the age in seconds from which others ignore it; long after that it may be deleted.

        Raises:
            StoreError: The store did not take it.
        """
        ...

    async def members(self, prefix: Prefix, *, stale_after: float) -> tuple[Member, ...]:
        """The other hosts of a prefix that gave a sign of life within so many seconds, sorted by their ids.

        What it costs follows from the size of that prefix alone.

        Raises:
            StoreError: The store could not be listed.
        """
        ...

    async def withdraw(self) -> None:
        """Take this host's heartbeat away; it is no error if the store does not answer."""
        ...
