"""Calls the hosts that are in the swarm now, and those of `--peer`: some of them, all at once."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from dcdist.checkup.dialling import dial
from dcdist.checkup.findings import member_findings
from dcdist.checkup.findings.member_findings import HostSeen
from dcdist.formats import object_names
from dcdist.local_addresses import is_local
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
        return HostSeen(address, await dial(address), is_local(address[0]))

    return await in_parallel([partial(call, address) for address in addresses], limit=_CALLED)
