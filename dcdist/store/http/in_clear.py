"""Which credentials would go over a network unencrypted, and what is said of it. Pure.

Loopback is no network: nobody else listens there.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

_CREDENTIALS: Final = {
    "X-Auth-Key": ("ST_KEY goes", "name a sign-in with https:// in ST_AUTH"),
    "X-Auth-Token": ("the token of the sign-in goes", "use a storage URL with https:// (ST_STORAGE_URL)"),
    "Authorization": ("the password of the URL goes", "use https:// in it"),
}
"""By header: what goes, and what to do."""


def is_in_clear(url: str) -> bool:
    """Whether others can read what is sent to `url`."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def exposure(url: str, headers: Mapping[str, str]) -> str:
    """What others learn of a request with these headers to `url`, and what to do, in words; empty if nothing.

    Of several credentials the worst is named: a key is good for longer than a token.
    """
    if not is_in_clear(url):
        return ""
    for name, (goes, advice) in _CREDENTIALS.items():
        if name in headers:
            return f"{goes} unencrypted to {urlsplit(url).hostname}: whoever listens on the way can use it; {advice}"
    return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
