"""Where nothing was found: tells a store that is not there from one that is empty.

Invariant: it is asked only after something was looked for in vain, so that it costs a request in that case alone.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from dcdist.errors import StoreError, StoreMissingError

if TYPE_CHECKING:
    from dcdist.ports.store import Store


async def require_store(store: Store) -> None:
    """Check that the store's container or directory is there.

    Raises:
        StoreMissingError: It is not. A store that does not tell counts as there.
    """
    exists = True
    with suppress(StoreError):
        exists = await store.exists()
    if not exists:
        raise StoreMissingError(
            f"{store} does not exist: there is no such container or directory; is the store's URL right, and the "
            "directory mounted? The first publish makes it",
            store=str(store),
        )
