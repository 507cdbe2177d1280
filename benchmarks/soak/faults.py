"""The store's part of a soak: every few seconds something else goes wrong there, and some seconds nothing does."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tools.lab.swift import Fault

if TYPE_CHECKING:
    import random

    from benchmarks.soak.tally import Tally
    from tools.lab.swift import Swift

_CALM = 0.3
"""The share of times in which nothing is wrong."""

_LAYERS = "/layers/"
FAULTS: dict[str, Fault] = {
    "503": Fault(path=_LAYERS, status=503, count=10),
    "429 with Retry-After": Fault(path=_LAYERS, status=429, count=10, headers=(("Retry-After", "1"),)),
    "498": Fault(path=_LAYERS, status=498, count=10),
    "500 for everything": Fault(status=500, count=6),
    "short bodies": Fault(path=_LAYERS, truncate=300_000, count=10),
    "resets": Fault(path=_LAYERS, truncate=100_000, reset=True, count=10),
    "stalls": Fault(path=_LAYERS, truncate=50_000, stall=30.0, count=4),
    "slow bodies": Fault(path=_LAYERS, rate=50_000, count=6),
    "corrupt bytes": Fault(path=_LAYERS, corrupt=1000, count=4),
    "another range": Fault(path=_LAYERS, headers=(("Content-Range", "bytes 0-9/12345"),), count=4),
    "404": Fault(path=_LAYERS, status=404, count=4),
    "late answers": Fault(delay=2.0, count=20),
    "no listings": Fault(path="format=json", status=503, count=20),
}


async def trouble_the_store(swift: Swift, dealer: random.Random, tally: Tally, ends: float) -> None:
    """Order one fault after another until the time has come; in the end all is well."""
    while time.monotonic() < ends:
        if dealer.random() < _CALM:
            swift.order()
        else:
            name = dealer.choice(list(FAULTS))
            tally.injected[name] += 1
            swift.order(FAULTS[name])
            if dealer.random() < _CALM:
                tally.injected["expired tokens"] += 1
                swift.expire_tokens()
        await asyncio.sleep(dealer.uniform(2.0, 8.0))
    swift.order()
