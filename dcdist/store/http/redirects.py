"""Where a redirect leads, if it may be followed. Pure.

Invariant: a redirect never leads away from http and https, nor from https to http.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from yarl import URL

from dcdist.store.http.endpoint import Endpoint
from dcdist.store.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping

REDIRECTS_LIMIT: Final = 10
"""How many redirects a request follows, one after another."""

_REDIRECTING: Final = frozenset({301, 302, 303, 307, 308})
_QUOTED = re.compile(r"[!#-;=?-\[\]_a-z~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RedirectRefusedError(ValueError):
    """A redirect that is not followed; the message says where it leads, and why not."""


def redirect_location(status: int, headers: Mapping[str, str]) -> str | None:
    """What an answer redirects to; None if it does not."""
    return headers.get("Location") or None if status in _REDIRECTING else None


def redirect_target(url: str, to: str) -> Endpoint:
    """Where the answer of `url` leads with the `Location` `to`, which may be relative.

    Raises:
        RedirectRefusedError: It may not be followed.
    """
    shown = shown_url(to)
    if _CONTROL.search(to):
        raise RedirectRefusedError(f"redirected to {shown}, which has control characters in it")
    try:
        # What is quoted stays as it is: it may be signed. Some servers leave characters that no request may have.
        joined = str(URL(url, encoded=True).join(URL(to, encoded=_QUOTED.fullmatch(to) is not None)))
        scheme = urlsplit(joined).scheme
    except ValueError:
        raise RedirectRefusedError(f"redirected to {shown}, which is not a URL") from None
    if scheme not in {"http", "https"}:
        raise RedirectRefusedError(f"redirected to {shown}: only http and https are followed")
    if scheme == "http" and url.startswith("https:"):
        raise RedirectRefusedError(f"redirected to {shown}: what is asked for over https is not taken over http")
    try:
        return Endpoint.parse(joined)
    except ValueError as error:
        raise RedirectRefusedError(f"redirected to {shown}: {error}") from None


def is_same_server(one: str, other: str) -> bool:
    """Whether credentials for one URL are meant for the other too."""
    return URL(one, encoded=True).origin() == URL(other, encoded=True).origin()
