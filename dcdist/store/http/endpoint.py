"""Where requests go: a URL without the credentials in it, and the header that they make. Pure.

Invariant: the URL can be asked; credentials are in nothing that is printed. A query may be a signature: messages show a
URL as `shown_url` has it.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

from yarl import URL

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KEPT_IN_A_PATH: Final = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL of http or https without credentials, and the value of `Authorization` for it; empty if there is none."""

    url: str
    authorization: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What each request to it says besides."""
        return {"Authorization": self.authorization} if self.authorization else {}

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """The endpoint that `text`, a URL from a user or a server, names.

        Raises:
            ValueError: It cannot be asked; the message says why, and shows nothing of `text`.
        """
        if _CONTROL.search(text):
            raise ValueError("it has a line end or another control character in it")
        try:
            parts = urlsplit(text)
        except ValueError:
            raise ValueError("its host cannot be read") from None
        if "@" in parts.netloc and "@" in f"{parts.path}{parts.query}{parts.fragment}":
            raise ValueError("it has an '@' behind its host: write '/', '?', '#' and '@' of a password as %2F, %3F ...")
        host = _checked_host(parts)
        shown = f"[{host}]" if ":" in host else host
        path = quote(parts.path.encode("utf-8", "surrogateescape"), safe=_KEPT_IN_A_PATH)
        query = f"?{parts.query}" if parts.query else ""
        url = f"{parts.scheme}://{shown}{_port(parts)}{path}{query}"
        try:
            URL(url, encoded=True)  # as requests will have it
        except ValueError:
            raise ValueError("it is not a URL") from None
        return cls(url, _authorization(parts))


def _checked_host(parts: SplitResult) -> str:
    if parts.scheme not in {"http", "https"}:
        raise ValueError("it does not begin with http:// or https://")
    host = parts.hostname
    if not host:
        raise ValueError("it names no host")
    if not re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?", host):
        raise ValueError("its host has characters that no host name has (write names of other scripts as xn--...)")
    if ":" not in host and not all(0 < len(label) < 64 for label in host.removesuffix(".").split(".")):
        raise ValueError("a part of its host name is empty or longer than 63 characters")
    return host


def _port(parts: SplitResult) -> str:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("its port is not a number from 1 to 65535")
    return "" if port is None else f":{port}"


def _authorization(parts: SplitResult) -> str:
    """Basic credentials in UTF-8, as curl sends them (RFC 7617); bytes that are escaped with % stay as they are."""
    if parts.username is None and parts.password is None:
        return ""
    given = f"{parts.username or ''}:{parts.password or ''}"
    return "Basic " + b64encode(unquote_to_bytes(given.encode("utf-8", "surrogateescape"))).decode("ascii")
