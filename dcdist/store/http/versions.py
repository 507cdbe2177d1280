"""Which version of each object the first read saw, so that later reads see the same; bounded, oldest use forgotten."""

from __future__ import annotations

from collections import OrderedDict

from dcdist.errors import ObjectChangedError


class Versions:
    """Version marks (ETags, for example) by key."""

    def __init__(self, *, store: str, limit: int = 20_000) -> None:
        """Begin empty. `store` stands in messages; `limit` is the most keys remembered."""
        self._store = store
        self._limit = limit
        self._marks: OrderedDict[str, str] = OrderedDict()

    def of(self, key: str) -> str | None:
        """The mark of the version that reads of `key` saw; None if none did."""
        return self._marks.get(key)

    def see(self, key: str, mark: str) -> None:
        """Note the version that a read sees.

        Raises:
            ObjectChangedError: Earlier reads saw another.
        """
        known = self._marks.setdefault(key, mark)
        if known != mark:
            raise ObjectChangedError(
                f"{self._store}: {key} changed while it was read (was {known}, is {mark}); begin again",
                store=self._store,
                key=key,
            )
        self._marks.move_to_end(key)
        if len(self._marks) > self._limit:
            self._marks.popitem(last=False)
