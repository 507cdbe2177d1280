"""Hosts that share a bound on the fleet take no more than that from a real store, whatever each could take alone."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from tests.support.fault_site import MIB, publish_site
from tests.support.publishing import noise

if TYPE_CHECKING:
    from pathlib import Path

    from tools.lab.swift import Swift

CAP = 2_000_000
SIZE = 16 * MIB
HOSTS = ("a", "b", "c", "d")


async def test_a_real_store_sends_no_more_than_the_bound_on_the_fleet(
    swift: Swift, container: str, tmp_path: Path
) -> None:
    site = await publish_site(swift, container, tmp_path, noise(44, SIZE))
    segments = f"{site.layer}/segments/"
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        hosts = [
            await stack.enter_async_context(site.host(name, "--listen", "127.0.0.1:0", "--fleet-store-rate", str(CAP)))
            for name in HOSTS
        ]
        while not swift.sent_bytes(segments):
            await asyncio.sleep(0.02)
        began = loop.time()
        await asyncio.gather(*(host.succeeded() for host in hosts))
        sent, seconds = swift.sent_bytes(segments), loop.time() - began
    assert all(site.is_right(name) for name in HOSTS)
    assert sent >= SIZE
    assert sent / seconds <= 1.1 * CAP
