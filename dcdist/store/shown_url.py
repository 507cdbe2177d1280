"""A URL as messages show it: short, printable, without credentials and query, which may be a signature. Pure."""

from __future__ import annotations

import re

_LIMIT = 200
_CREDENTIALS = re.compile(r"^([a-z][a-z0-9+.-]*:)?//[^/?#]*@", re.IGNORECASE)
# A name or a password may have '/', '?' or '#' in it unescaped, or the URL may not be one at all.
_PERHAPS_CREDENTIALS = re.compile(
    r"^((?:[a-z][a-z0-9+.-]*:)?//)(?!\[).*:.*@|^(?!(?:[a-z][a-z0-9+.-]*:)?//)().*@", re.IGNORECASE | re.DOTALL
)


def shown_url(url: str) -> str:
    """`url`, which may be anything that somebody wrote or sent, as a message can show it."""
    plain = _CREDENTIALS.sub(r"\1//", url)
    if "@" in plain and (perhaps := _PERHAPS_CREDENTIALS.match(url)):
        # What follows the last '@' may be a part of a query, which is not shown either.
        rest = "" if re.search(r"[?#]", perhaps[0]) else f"@{url[perhaps.end() :]}"
        plain = f"{perhaps[1] or ''}...{rest}"
    plain = re.split(r"[?#]", plain, maxsplit=1)[0]
    printable = "".join(each if each.isascii() and each.isprintable() else "?" for each in plain)
    return printable if len(printable) <= _LIMIT else f"{printable[:_LIMIT]}..."
