"""Swift's listings: JSON pages as entries, every field checked. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from dcdist.errors import StoreError
from dcdist.ports.store import Entry
from dcdist.store.object_keys import is_key

PAGE = 1000
"""Entries asked for at once; a page that has fewer is the last. More than a cluster allows would be refused."""

PAGE_BYTES_LIMIT = 16 << 20
"""The most bytes of a page: names have 1,024 bytes at most, each of which JSON may write as six."""

_SIZE_LIMIT = 1 << 63
# RecursionError: lists in lists, without end.
_NO_LISTING = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def parse_page(
    data: bytes, *, root: str, store: str, page: int = PAGE, marker: str = ""
) -> tuple[tuple[Entry, ...], str | None]:
    """The entries of one page whose names begin with `root`, without it; and the last name if there may be more.

    `page` is how many were asked for, and `marker` the name behind which the page should begin.

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
        last = str(rows[-1][0]) if len(rows) >= page else None
    except _NO_LISTING as error:
        shown = repr(error)[:200]
        raise StoreError(f"{store}: the listing cannot be read ({shown}); is it a Swift?", store=store) from error
    if last is not None and last <= marker:
        raise StoreError(
            f"{store}: the listing does not go on: asked for what follows {marker[:200]!r}, it ends with "
            f"{last[:200]!r}; is it a Swift?",
            store=store,
        )
    return entries, last


def _size(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < _SIZE_LIMIT:
        raise ValueError("an object's size is not a number of bytes")
    return value


def _seconds(text: str) -> float:
    """Seconds since 1970 of Swift's `2026-11-22T11:39:33.123450`, which is UTC and does not say so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
