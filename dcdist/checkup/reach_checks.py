"""Tries how others would reach this host: it listens for a moment, as a fetch would, and calls itself."""

from __future__ import annotations

import asyncio
import secrets
import socket
from functools import partial
from typing import TYPE_CHECKING

from dcdist.checkup.dialling import connect, hang_up
from dcdist.checkup.findings import reach_findings
from dcdist.checkup.findings.finding import Check, FindingState, skipped
from dcdist.checkup.findings.member_findings import Dialled
from dcdist.checkup.findings.reach_findings import AddressSeen, WayBack
from dcdist.disk.seeder_lock import SeederLock
from dcdist.errors import DiskError
from dcdist.local_addresses import is_local
from dcdist.node.addresses import OwnAddress
from dcdist.node.interfaces import read_interfaces, read_routes, server_addresses

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.checkup.bounded import BoundedChecks
    from dcdist.checkup.findings.finding import Finding
    from dcdist.engine.fetch_options import Reach
    from dcdist.model.identity import Address

_TOKEN = 16
_ANSWER_SECONDS = 2.0
_WAYS = {
    Dialled.REFUSED: WayBack.REFUSED,
    Dialled.SILENT: WayBack.SILENT,
    Dialled.NO_ROUTE: WayBack.NO_ROUTE,
}


class ReachChecks:
    """How this host is reached; `store_host` is the store's server, empty if there is none.

    `cache`: the folder from which an earlier fetch may still seed, on the port that is asked for; None if not given.
    """

    def __init__(self, reach: Reach, store_host: str, cache: Path | None) -> None:
        self._reach = reach
        self._store_host = store_host
        self._cache = cache
        self._gives_way = False
        self._own: OwnAddress | None = None
        self._listening: tuple[Address, ...] = ()
        self._announced: Address | None = None

    async def run(self, checks: BoundedChecks, *, has_libtorrent: bool) -> None:
        """Examine everything, each step on what the one before found."""
        await checks.examine(Check.INTERFACES, self._interfaces)
        if not has_libtorrent:
            checks.note(skipped(Check.LISTEN, "libtorrent cannot be loaded"))
            listening = False
        else:
            listening = (await checks.examine(Check.LISTEN, self._listen)).state is FindingState.OK
        await checks.examine(Check.ADDRESS, self._address)
        if self._announced is None or not listening or self._gives_way:
            reason = self._why_no_way_back()
            checks.note(reach_findings.no_way_back_known(reason))
        else:
            await checks.examine(Check.CONNECT_BACK, partial(self._connect_back, self._announced))

    def _why_no_way_back(self) -> str:
        if self._announced is None:
            return "there is no address to connect to"
        return "an earlier fetch listens there" if self._gives_way else "this host cannot listen"

    async def _interfaces(self) -> Finding:
        return reach_findings.of_interfaces(await asyncio.to_thread(read_interfaces))

    async def _listen(self) -> Finding:
        from dcdist.swarm import open_swarm

        own = await self._own_address()
        if (port := own.listen[0][1]) and (seeder := await self._seeder_on(port)):
            self._gives_way = True
            return reach_findings.of_seeder(seeder, port)
        async with open_swarm(*own.listen) as swarm:
            self._listening = tuple(swarm.listening)
        asked = self._reach.listen is not None and self._reach.listen[1] != 0
        return reach_findings.of_listening(self._listening, asked=asked)

    async def _address(self) -> Finding:
        own = await self._own_address()
        # Any port will do where none could be opened: the address is what is looked at.
        self._announced = own.now(self._listening or [(host, port or 1) for host, port in own.listen])
        if self._announced is None:
            return reach_findings.of_address(AddressSeen(None, ""))
        reason = await asyncio.to_thread(self._reason, own, self._announced[0])
        return reach_findings.of_address(
            AddressSeen(self._announced, reason, own.doubt(self._announced, self._listening or own.listen))
        )

    async def _connect_back(self, announced: Address) -> Finding:
        token = secrets.token_bytes(_TOKEN)

        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(token)
            await hang_up(writer)

        hosts = [host for host, _ in self._listening]
        async with await asyncio.start_server(greet, hosts, self._listening[0][1]):
            way = await _call(announced, token)
        return reach_findings.of_way_back(announced, way, is_local=is_local(announced[0]))

    async def _seeder_on(self, port: int) -> int:
        """The process of the same cache's seeder, if it listens there: it gives way to a fetch. 0: there is none."""
        if self._cache is None:
            return 0
        try:
            holder = await asyncio.to_thread(SeederLock(self._cache).holder)
        except DiskError:
            return 0  # the check of the cache says why
        return holder.process if holder is not None and holder.port == port else 0

    async def _own_address(self) -> OwnAddress:
        if self._own is None:
            self._own = await asyncio.to_thread(OwnAddress, self._reach, self._store_host)
        return self._own

    def _reason(self, own: OwnAddress, address: str) -> str:
        if self._reach.advertise is not None:
            return "--advertise says so"
        if self._reach.listen is not None and address in [host for host, _ in own.listen]:
            return "--listen says so"
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        server = server_addresses(self._store_host).get(family) if self._store_host else None
        routes = read_routes(family, server)
        if address == routes.to_store:
            return "from there this host reaches the store"
        if address == routes.to_anywhere:
            return "the default route leads from there"
        if address in routes.interfaces:
            return "an interface that is up has it, and there is no default route"
        return "there is no other"


async def _call(announced: Address, token: bytes) -> WayBack:
    connected = await connect(announced)
    if isinstance(connected, Dialled):
        return _WAYS[connected]
    reader, writer = connected
    answer = b""
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await reader.read(len(token))
    except OSError:
        pass  # whoever it is does not greet as this host does
    finally:
        await hang_up(writer)
    return WayBack.HERE if answer == token else WayBack.ELSEWHERE
