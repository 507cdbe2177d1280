"""Which version of each object was read first, to tell when another one comes; bounded, oldest use forgotten.

That is worth a remark, not a fault. All bytes that are read in ranges are checked by hashes that a signed manifest
vouches for (pieces, and frames within them), and mirrors of one server give each copy a mark of its own.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.store.remarks import Remarks

_SHOWN = 80


class Versions:
    """Version marks (ETags, for example) by key."""

    def __init__(self, remarks: Remarks, *, store: str, limit: int = 20_000) -> None:
        """Begin empty. `store` stands in messages; `limit` is the most keys remembered."""
        self._remarks = remarks
        self._store = store
        self._limit = limit
        self._marks: OrderedDict[str, str] = OrderedDict()

    def see(self, key: str, mark: str) -> None:
        """Note the version that a read sees, and remark upon another one than before, once for the store."""
        known = self._marks.setdefault(key, mark)
        self._marks.move_to_end(key)
        if len(self._marks) > self._limit:
            self._marks.popitem(last=False)
        if known != mark:
            self._remarks.once(
                "versions",
                f"{self._store}: {key} comes in versions (was {known[:_SHOWN]}, is {mark[:_SHOWN]}): mirrors that mark "
                "their copies differently, or it was replaced; all bytes are checked by their hashes",
                f"{self._store}/{key}",
            )
