"""Adapters of the store's port: a directory, Swift, plain HTTP; and wrappers that try again or limit the pace.

The home of aiohttp. Invariant: users of a store see the errors of `dcdist.errors` only.
"""

from dcdist.store.opening import open_store
from dcdist.store.paced import Paced
from dcdist.store.retrying import Retrying

__all__ = ["Paced", "Retrying", "open_store"]
