"""Swift's listings: whatever a page says, its entries are keys and sizes that can be, and listing goes on or ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dcdist.errors import StoreError
from dcdist.store.object_keys import is_key
from dcdist.store.swift.swift_info import parse_info
from dcdist.store.swift.swift_listing import parse_page
from tests.fuzz.recipes import Recipe, recipes
from tests.fuzz.target import Target, require

if TYPE_CHECKING:
    from tests.support.format_objects import Plain

_ROOTS = ("", "p/")


def _row(name: str, size: Plain = 7, modified: Plain = "2026-11-22T11:39:33.250000") -> Plain:
    return {"name": name, "bytes": size, "hash": "0", "content_type": "a/b", "last_modified": modified}


_ROWS: list[Plain] = [_row("p/a"), {"subdir": "p/x/"}, _row("p/swarm/d/r/x,y", 1 << 40), _row("p/.hidden"), _row("p/é")]
_RAW = (
    json.dumps(_ROWS).encode(), b"[]", b'{"name": []}', b"[" * 3000, b'[{"name":"a","bytes":1e400,"last_modified":""}]',
    b'[{"name":"a","bytes":NaN,"last_modified":"2026-11-22T11:39:33Z"}]', b'{"name":{"name":1,"bytes":1}}',
    b'[{"name":"a","bytes":' + b"9" * 5000 + b',"last_modified":"2026-11-22"}]',
    b'{"swift":{"container_listing_limit":100,"account_listing_limit":1,"account_autocreate":true}}',
    b'{"swift":[]}', b'{"swift":{"container_listing_limit":' + b"9" * 5000 + b"}}",
)  # fmt: skip


def run(data: bytes) -> None:
    """The first byte: the store's prefix, the marker, and whether the rest is JSON or changes to a page."""
    first, rest = data[0] if data else 0, data[1:]
    root = _ROOTS[first % 2]
    if first & 2:
        rest = json.dumps(Recipe(rest).edited(_ROWS), default=lambda each: each.decode("latin-1")).encode()
    marker = "p/a" if first & 32 else ""
    info = parse_info(rest)
    require(info.listing_limit is None or 0 < info.listing_limit < 1 << 31, "a limit is a number of names")
    try:
        page = parse_page(rest, root=root, store="s", marker=marker)
    except StoreError as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    for entry in page.entries:
        require(is_key(entry.key), "an entry's key is a key")
        require(0 <= entry.size < 1 << 63, "an entry has a size that can be")
        require(abs(entry.modified) < 1 << 40, "an entry has a time that can be")
    require(page.last is None or page.last > marker, "each page goes on behind the last one")
    require((page.last is None) == (page.names == 0), "a page without names is the last")


def seeds() -> list[bytes]:
    """Pages, valid and not, and changes of each sort."""
    changes = [bytes([first]) + recipe for first in (2, 39) for recipe in recipes(_ROWS)]
    return [*(bytes([first]) + raw for first in (0, 1, 17, 33) for raw in _RAW), *changes, b"\x02", b"\x27"]


TARGET = Target("listing", run, [parse_page, parse_info, is_key], seeds, max_length=6000)
