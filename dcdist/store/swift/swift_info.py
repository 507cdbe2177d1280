"""What a cluster says of itself at `/info`: the most names of a page, and whether it is OpenStack's Swift. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import urlsplit

INFO_BYTES_LIMIT = 1 << 20
"""The most bytes that are read of it; a real one has a few thousand."""

_NO_INFO = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
_LIMIT_LIMIT = 1 << 31
_SWIFTS_OWN = frozenset({"account_autocreate", "account_listing_limit"})
"""Settings of Swift's own proxy, which other servers with its API do not have."""


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """`listing_limit`: the most names that a page may be asked for, None if not told.

    `is_swift`: it is OpenStack's Swift, where a page with fewer names than were asked for is the last.
    """

    listing_limit: int | None = None
    is_swift: bool = False


def parse_info(data: bytes) -> ClusterInfo:
    """What the answer says; nothing if it says nothing that can be read."""
    try:
        told = json.loads(data)["swift"]
        limit = told.get("container_listing_limit")
        is_swift = told.keys() >= _SWIFTS_OWN
    except _NO_INFO:
        return ClusterInfo()
    usable = isinstance(limit, int) and not isinstance(limit, bool) and 0 < limit < _LIMIT_LIMIT
    return ClusterInfo(limit if usable else None, is_swift)


def info_url(storage_url: str) -> str:
    """Where the cluster of this account tells it: beside `/v1`, wherever that is."""
    parts = urlsplit(storage_url)
    above, version, _ = f"{parts.path}/".partition("/v1/")
    return parts._replace(path=f"{above if version else ''}/info", query="", fragment="").geturl()
