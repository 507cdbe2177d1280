"""Calls the hosts that are in the swarm now, and those of `--peer`: some of them, all at once."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING

from dcdist.checkup.dialling import dial
from dcdist.checkup.findings import member_findings
from dcdist.checkup.findings.member_findings import Dialled, HostSeen
from dcdist.formats import object_names
from dcdist.local_addresses import is_local
from dcdist.node.addresses import choose
from dcdist.node.interfaces import read_routes
from dcdist.tasks import in_parallel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.checkup.checkup_request import CheckupRequest
    from dcdist.checkup.findings.finding import Finding
    from dcdist.model.identity import Address
    from dcdist.ports.store import Store

_CALLED = 32
"""The most hosts that are called; more would tell little, and disturb."""


async def check_members(store: Store, request: CheckupRequest) -> Finding:
    """Call the hosts whose heartbeats are fresh.

    Raises:
        StoreError: The heartbeats cannot be listed.
    """
    realm = request.reach.realm
    prefix = object_names.SWARM if request.demo is None else object_names.swarm_prefix(request.demo, realm)
    listing = await store.list(prefix, look=True)
    addresses = await asyncio.to_thread(member_findings.fresh_addresses, listing, realm)
    return member_findings.of_members(await _call(addresses[:_CALLED]), listed=len(addresses), realm=realm)


async def check_peers(request: CheckupRequest) -> Finding:
    """Call the hosts that were named."""
    return member_findings.of_peers(await _call(list(dict.fromkeys(request.reach.peers))))


async def _call(addresses: Sequence[Address]) -> list[HostSeen]:
    async def call(address: Address) -> HostSeen:
        dialled = await dial(address)
        if dialled is Dialled.NO_ROUTE and await asyncio.to_thread(_has_only_the_other_family, address[0]):
            dialled = Dialled.OTHER_FAMILY
        return HostSeen(address, dialled, is_local(address[0]))

    return await in_parallel([partial(call, address) for address in addresses], limit=_CALLED)


def _has_only_the_other_family(address: str) -> bool:
    """Whether the addresses of this host that others could connect to are all of the other family."""
    families = [socket.AF_INET, socket.AF_INET6]
    theirs, other = reversed(families) if ":" in address else families
    return choose([read_routes(theirs, None)]) is None and choose([read_routes(other, None)]) is not None
