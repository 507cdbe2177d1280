"""A URL as messages show it: short, printable, without credentials and query, which may be a signature. Pure."""

from __future__ import annotations

import re

_LIMIT = 200
_CREDENTIALS = re.compile(r"^([a-z][a-z0-9+.-]*:)?//[^/?#]*@", re.IGNORECASE)


def shown_url(url: str) -> str:
    """`url`, which may be anything that somebody sent, as a message can show it."""
    plain = re.split(r"[?#]", _CREDENTIALS.sub(r"\1//", url), maxsplit=1)[0]
    printable = "".join(each if each.isascii() and each.isprintable() else "?" for each in plain)
    return printable if len(printable) <= _LIMIT else f"{printable[:_LIMIT]}..."
