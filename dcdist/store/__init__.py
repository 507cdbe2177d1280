"""Adapters of the store's port: a directory, Swift, plain HTTP; and wrappers that try again and that pace.

The home of aiohttp. Invariant: whoever uses a store sees the errors of `dcdist.errors` only.
"""

from dcdist.store.opening import open_store
from dcdist.store.paced import Paced
from dcdist.store.retrying import Retrying

__all__ = ["Paced", "Retrying", "open_store"]
