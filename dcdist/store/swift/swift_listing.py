"""Swift's listings: JSON pages as entries, every field checked. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from dcdist.errors import StoreError
from dcdist.ports.store import Entry
from dcdist.store.object_keys import is_key

PAGE = 1000
"""Names asked for at once, unless the cluster allows fewer. A page may have fewer although more follow."""

PAGE_BYTES_LIMIT = 4 << 20
"""The most bytes of a page: a name has 1,024 bytes at most, of which JSON may make three thousand. To read a page of
nothing but brackets takes 25 times its bytes of memory."""

_SIZE_LIMIT = 1 << 63
# RecursionError: lists in lists, without end.
_NO_LISTING = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its entries, how many names it had, and the last of them, behind which the next page begins.

    `characters` are those of all its names. `last` is None if it had no name: nothing follows.
    """

    entries: tuple[Entry, ...] = ()
    names: int = 0
    characters: int = 0
    last: str | None = None


def parse_page(data: bytes, *, root: str, store: str, marker: str = "") -> Page:
    """A page whose entries are those that begin with `root`, without it; `marker` is the name that it should follow.

    It omits objects that nobody could have put through the port.

    Raises:
        StoreError: It is not a listing, or is one that would never end.
    """
    try:
        rows = [(row["name"], row["bytes"], row["last_modified"]) for row in json.loads(data) if "name" in row]
        entries = tuple(
            Entry(name[len(root) :], _size(size), _seconds(modified))
            for name, size, modified in rows
            if name.startswith(root) and is_key(name[len(root) :])
        )
        characters = sum(len(name) for name, _, _ in rows)
        last = str(rows[-1][0]) if rows else None
        (last or "").encode()  # JSON can say halves of characters, of which no request can ask for what follows
    except _NO_LISTING as error:
        shown = repr(error)[:200]
        raise StoreError(f"{store}: the listing cannot be read ({shown}); is it a Swift?", store=store) from error
    if last is not None and last <= marker:
        raise StoreError(
            f"{store}: the listing does not go on: asked for what follows {marker[:200]!r}, it ends with "
            f"{last[:200]!r}; is it a Swift?",
            store=store,
        )
    return Page(entries, len(rows), characters, last)


def _size(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < _SIZE_LIMIT:
        raise ValueError("an object's size is not a number of bytes")
    return value


def _seconds(text: str) -> float:
    """Seconds since 1970 of Swift's `2026-11-22T11:39:33.123450`, which is UTC and does not say so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
