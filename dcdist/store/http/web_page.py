"""Tells a web page from an object: a sign-in page, or what a web server shows in place of a missing object. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dcdist.errors import WebPageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPE = re.compile(r"\s*(?:text/html|application/xhtml\+xml)\s*(?:;|$)", re.IGNORECASE)
_HTML = re.compile(rb"[\xef\xbb\xbf\s]*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_MARKUP = re.compile(rb"[\xef\xbb\xbf\s]*<")
_LOOKED_AT = 1024


def says_page(headers: Mapping[str, str]) -> bool:
    """Whether an answer calls itself a page. Some servers call every file so: other signs must agree."""
    return _TYPE.match(headers.get("Content-Type", "")) is not None


def is_page(headers: Mapping[str, str], head: bytes) -> bool:
    """Whether an answer that begins with `head` is a page, which no object of a store begins like."""
    looked_at = head[:_LOOKED_AT]
    return _HTML.match(looked_at) is not None or (says_page(headers) and _MARKUP.match(looked_at) is not None)


def page_error(*, what: str, store: str, key: str, asked: str) -> WebPageError:
    """The error for such an answer; `asked` is what was asked, as messages show it."""
    return WebPageError(
        f"{store}: {what}: the server answers with a web page where {key} should be: is the store's URL right? The "
        f"page may be a sign-in, or what the server shows for a missing object ({asked})",
        store=store,
        key=key,
    )
