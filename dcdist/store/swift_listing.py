"""Swift's listings: JSON pages as entries, every field checked. Pure."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from dcdist.errors import StoreError
from dcdist.ports.store import Entry
from dcdist.store.keys import is_key

PAGE = 1000
"""Entries asked for at once; a page that has fewer is the last. More than a cluster allows would be refused."""


def parse_page(data: bytes, *, root: str, store: str, page: int = PAGE) -> tuple[tuple[Entry, ...], str | None]:
    """The entries of one page whose names begin with `root`, without it; and the last name if there may be more.

    `page` is how many were asked for.

    Objects that nobody could have put through the port are left out.

    Raises:
        StoreError: It is not a listing.
    """
    try:
        rows = [(row["name"], row["bytes"], row["last_modified"]) for row in json.loads(data) if "name" in row]
        entries = tuple(
            Entry(name[len(root) :], int(size), _seconds(modified))
            for name, size, modified in rows
            if name.startswith(root) and is_key(name[len(root) :])
        )
        last = str(rows[-1][0]) if len(rows) >= page else None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise StoreError(f"{store}: the listing cannot be read ({error!r}); is it a Swift?", store=store) from error
    return entries, last


def _seconds(text: str) -> float:
    """Seconds since 1970 of Swift's `2026-11-22T11:39:33.123450`, which is UTC and does not say so."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
