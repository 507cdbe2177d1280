"""One host among the others: the session in which it trades, the address that it announces, the place where hosts meet.

Invariant: a host that can do its work from the store alone never fails for want of the others; it says what it lacks.
An address that was asked for is the exception: where it cannot be had, the fetch ends.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.disk import Solitary
from dcdist.engine.fetch_events import Trouble, Troubled
from dcdist.errors import SwarmError, UsageError
from dcdist.node.addresses import OwnAddress
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack
    from types import ModuleType

    from dcdist.engine.fetch_options import FetchOptions
    from dcdist.model.identity import Address, HostId
    from dcdist.model.release import Release
    from dcdist.node.succession import Succession
    from dcdist.ports.rendezvous import Rendezvous
    from dcdist.ports.store import Store
    from dcdist.ports.swarm import Swarm

_GIVE_ADDRESS = "give one with --advertise IP:PORT (advertise)"
_GO_ON = f"The fetch goes on without them; {_GIVE_ADDRESS}"
_ALONE = "The fetch goes on from the store alone: it takes nothing from other hosts and gives them nothing"
_GIVES_NOBODY = "All is in place, but this host gives nothing to others"

_WITHDRAWAL = 2.0
"""Seconds that the end of a fetch waits for its heartbeat to be deleted."""


class Presence:
    """What one fetch or seeder needs to trade with others. `open` comes first, then `meet`."""

    def __init__(
        self,
        store: Store,
        release: Release,
        options: FetchOptions,
        *,
        brings: bool,
        host: HostId,
        report: Callable[[Troubled], None],
    ) -> None:
        """`brings`: layers are needed; otherwise all is in place, and nothing here may keep the fetch from its end."""
        self._store = store
        self._release = release
        self._options = options
        self._brings = brings
        self._host = host
        self._report = report
        self._swarm: Swarm | None = None
        self._own_address: OwnAddress | None = None
        self._keeps_heartbeats = store.capabilities.writable and store.capabilities.listable

    @property
    def trades(self) -> bool:
        """Whether this host takes part in the swarm."""
        return self._own_address is not None

    @property
    def _needs_others(self) -> bool:
        """Whether this host can do nothing without the others: it may not draw, or is there to give."""
        return self._brings and (not self._options.draw or self._options.dest is None)

    async def open(self, stack: AsyncExitStack, succession: Succession) -> Swarm:
        """The session, which `stack` closes; where there can be none, a swarm of one.

        If it needs the port of an earlier fetch that still seeds from the same cache, that one gives way.

        Raises:
            SwarmError: There is none, and this host needs the others or was told where to listen.
        """
        try:
            self._swarm = await self._open(stack, succession)
        except SwarmError as error:
            if self._needs_others or (self._brings and self._options.reach.listen is not None):
                raise
            self._own_address = None
            self._report(Troubled(f"{error}. {_ALONE if self._brings else _GIVES_NOBODY}"))
            self._swarm = await stack.enter_async_context(Solitary())
        return self._swarm

    async def _open(self, stack: AsyncExitStack, succession: Succession) -> Swarm:
        adapters = _import_swarm()
        host = self._store.host if self._keeps_heartbeats else ""
        self._own_address = await in_thread(OwnAddress, self._options.reach, host)
        if port := self._own_address.listen[0][1]:
            await succession.free(port)
        opened: Swarm = await stack.enter_async_context(adapters.open_swarm(*self._own_address.listen, host=self._host))
        opened.limit(up=self._options.rates.up, down=self._options.rates.down)
        return opened

    def advertise(self) -> Address | None:
        """The address that others are told now; None if there is none, or nobody is told."""
        if self._own_address is None or self._swarm is None or not self._keeps_heartbeats:
            return None
        return self._own_address.now(self._swarm.listening)

    def meet(self, stack: AsyncExitStack) -> Rendezvous | None:
        """Where hosts find each other, which this one leaves with `stack`; None if others cannot find it.

        Raises:
            UsageError: It has no address to announce, and can do nothing without the others.
        """
        if self._own_address is None or not self._is_findable(self._own_address):
            return None
        demo, realm = self._release.name.demo, self._options.reach.realm
        rendezvous: Rendezvous = _import_swarm().StoreRendezvous(self._store, demo=demo, realm=realm)
        stack.push_async_callback(_withdraw, rendezvous)
        return rendezvous

    def _is_findable(self, own_address: OwnAddress) -> bool:
        """Whether others can be told where this host is; reports what may keep them from it."""
        peers = self._options.reach.peers
        if not self._keeps_heartbeats:
            if not peers:
                self._note(
                    f"hosts cannot find each other through {self._store}: it cannot be written to or listed. Name some "
                    "with --peer IP:PORT (peers), or omit the others with --no-swarm (swarm=False)"
                )
            return False
        announced = self.advertise()
        if announced is None:
            if self._needs_others and not peers:
                raise UsageError(f"this host has no address that others could connect to: {_GIVE_ADDRESS}")
            self._note(f"other hosts cannot find this one: it has no address that they could connect to. {_GO_ON}")
            return False
        listening = () if self._swarm is None else self._swarm.listening
        if doubt := own_address.doubt(announced, listening):
            self._note(doubt)
        return True

    def _note(self, message: str) -> None:
        self._report(Troubled(message, Trouble.RENDEZVOUS))


def _import_swarm() -> ModuleType:
    """The adapters of the swarm, imported only where there is one: libtorrent is large.

    Raises:
        SwarmError: libtorrent is missing or broken.
    """
    try:
        from dcdist import swarm
    except ImportError as error:
        raise SwarmError(
            f"libtorrent cannot be loaded: {error}. Install it again: pip install --force-reinstall libtorrent"
        ) from error
    return swarm


async def _withdraw(rendezvous: Rendezvous) -> None:
    """Delete the heartbeat, if the store answers soon: nobody should wait for it at the end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_WITHDRAWAL):
            await rendezvous.withdraw()
