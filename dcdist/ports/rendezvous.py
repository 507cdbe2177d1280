"""Where hosts of one swarm find each other: a place to leave one's own heartbeat and to read those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dcdist.model.member import Member


class Rendezvous(Protocol):
    """The hosts of one demo in one realm."""

    async def announce(self, member: Member) -> None:
        """Leave this host's heartbeat, or refresh it; an earlier one of this host is replaced.

        Raises:
            StoreError: The store did not take it.
        """
        ...

    async def members(self) -> tuple[Member, ...]:
        """The other hosts that gave a sign of life lately, sorted by their ids.

        Raises:
            StoreError: The store could not be listed.
        """
        ...

    async def withdraw(self) -> None:
        """Take this host's heartbeat away; it is no error if the store does not answer."""
        ...
