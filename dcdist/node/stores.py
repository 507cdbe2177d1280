"""Opens a store as all parts of a node use it: small operations are retried, reads are not."""

from __future__ import annotations

import os
import random
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from dcdist import store as adapters

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from dcdist.errors import StoreError
    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store


@asynccontextmanager
async def open_store(
    url: str,
    *,
    environment: Mapping[str, str] | None = None,
    retried: Callable[[StoreError, int, float], None] | None = None,
    report: Callable[[Troubled], None] | None = None,
) -> AsyncIterator[Store]:
    """The store at `url`, closed when the context is left.

    Args:
        url: `file:///path`, `swift://container/prefix`, or `http(s)://host/path` (read-only).
        environment: Credentials (`ST_AUTH`, `ST_USER`, `ST_KEY`, `ST_STORAGE_URL`), proxies and CA files; the process's
            own if None.
        retried: Called for each failure of a small operation that will be retried: the error, the number of the try
            (from 1), the seconds until the next. Without it, `report` is told.
        report: Called once for each thing that the store lacks or does otherwise, and how dcdist manages.

    Raises:
        UsageError: The URL or the environment is invalid.
    """
    known = os.environ if environment is None else environment
    if retried is None and report is not None:
        retried = partial(_tell_of_retry, report)
    async with adapters.open_store(url, environment=known, report=report) as opened:
        yield adapters.Retrying(opened, rng=random.Random(), retried=retried)


def _tell_of_retry(report: Callable[[Troubled], None], error: StoreError, number: int, delay: float) -> None:
    # Imported only now: the first request should not wait for the engine.
    from dcdist.engine import troubles

    report(troubles.retried(error, number, delay))
