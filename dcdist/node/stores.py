"""Opens a store as all parts of a node use it: small operations are retried, reads are not."""

from __future__ import annotations

import os
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dcdist import store as adapters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from dcdist.errors import StoreError
    from dcdist.ports.store import Store


@asynccontextmanager
async def open_store(
    url: str,
    *,
    environment: Mapping[str, str] | None = None,
    retried: Callable[[StoreError, int, float], None] | None = None,
) -> AsyncIterator[Store]:
    """The store at `url`, closed when the context is left.

    Args:
        url: `file:///path`, `swift://container/prefix`, or `http(s)://host/path` (read-only).
        environment: Credentials (`ST_AUTH`, `ST_USER`, `ST_KEY`, `ST_STORAGE_URL`), proxies and CA files; the process's
            own if None.
        retried: Called for each failure of a small operation that will be retried: the error, the number of the try
            (from 1), the seconds until the next.

    Raises:
        UsageError: The URL or the environment is invalid.
    """
    async with adapters.open_store(url, environment=os.environ if environment is None else environment) as opened:
        yield adapters.Retrying(opened, rng=random.Random(), retried=retried)
