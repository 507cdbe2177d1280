"""Runs bad peers on a host, one on each port given: silent ones on the even ports, babbling ones on the odd.

Prints `ready`, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack

from tools.lab.bad_peers import babbling_peer, silent_peer


async def _serve(ports: list[int]) -> None:
    async with AsyncExitStack() as stack:
        for port in ports:
            peer = babbling_peer if port % 2 else silent_peer
            await stack.enter_async_context(peer(address="0.0.0.0", port=port))
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve([int(each) for each in sys.argv[1:]]))
