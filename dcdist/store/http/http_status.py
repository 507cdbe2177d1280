"""What an HTTP answer means: its status, ranges and dates as errors and numbers. Pure; headers are any mapping."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from dcdist.errors import (
    DcdistError,
    IntegrityError,
    ObjectChangedError,
    ObjectMissingError,
    RangeError,
    StoreDeniedError,
    StoreError,
    StoreFullError,
    StoreThrottledError,
    StoreUnavailableError,
)
from dcdist.store.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)", re.ASCII)

_PLAIN: Mapping[int, tuple[type[StoreError], str]] = {
    401: (StoreDeniedError, "the credentials are not accepted"),
    403: (StoreDeniedError, "this is not allowed with these credentials; use others, or have the access list changed"),
    404: (ObjectMissingError, "there is no such object"),
    407: (StoreDeniedError, "the proxy wants credentials; put them in the proxy variable: http://user:password@host:port"),
    405: (StoreError, "the server does not allow that request"),
    408: (StoreUnavailableError, "the server waited too long for the request; try again"),
    409: (StoreUnavailableError, "another request got in the way; try again"),
    410: (ObjectMissingError, "the object is gone"),
    411: (StoreError, "the server wants to know the length of a body that has none"),
    412: (ObjectChangedError, "another writer replaced the object; begin again"),
    413: (StoreFullError, "too large, or over the quota; free some space or raise the quota"),
    414: (StoreError, "the URL is too long for the server; choose a shorter prefix"),
    416: (RangeError, "the object is shorter than it should be"),
    431: (StoreError, "the headers are too long for the server or a proxy in between"),
    451: (StoreDeniedError, "the server may not give the object for legal reasons"),
    497: (StoreDeniedError, "the account is blocked"),
    501: (StoreError, "the server does not know how to do that"),
    505: (StoreError, "the server does not speak HTTP/1.1"),
    506: (StoreError, "the server cannot choose what to answer"),
    507: (StoreFullError, "the store is full; make room there"),
    508: (StoreError, "the server goes round in circles"),
    510: (StoreError, "the server wants an extension of HTTP"),
    511: (StoreDeniedError, "the network wants a sign-in before anything is let through"),
}  # fmt: skip
_IN_THE_URL = "; put the right ones into the store's URL: https://user:password@host/path"
_CREDENTIALS_ADVICE = {"swift": "; check ST_USER and ST_KEY", "http": _IN_THE_URL, "https": _IN_THE_URL}
"""Where the credentials of a store come from, by the scheme of its URL."""

_MARK_LIMIT = 100
"""Characters of an ETag that tell versions apart; thousands of marks are remembered."""

_THROTTLING = frozenset({429, 498, 503})
_FROM_THE_STORE = _THROTTLING | {408, 409, 412, 413, 416, 422, 497, 507}
"""Answers that only a store gives to a request for an object: its URL is right, and need not be shown."""


def http_time(text: str | None) -> float | None:
    """Seconds since 1970 of an HTTP date; None if there is none or it is invalid."""
    try:
        moment = parsedate_to_datetime(text or "")
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The wait in seconds that an answer asks for; a date counts from the answer's own `Date`. None: no wish."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        # More digits than any wait has could overflow what is computed with it.
        return float(text[:9])
    until, now = http_time(text), http_time(headers.get("Date"))
    return None if until is None or now is None else max(until - now, 0.0)


def error_of(
    status: int, headers: Mapping[str, str], *, what: str, store: str, key: str, asked: str = ""
) -> DcdistError:
    """The error for an unsuccessful answer. `what` is the request in words, as in `GET releases/x`.

    `asked` is the URL as messages show it, which they do unless the answer says that it was right.
    """
    asked = f" ({asked})" if asked and status not in _FROM_THE_STORE else ""
    message = f"{store}: {what} answered {status}"
    if transaction := headers.get("X-Trans-Id"):
        message += f" (transaction {transaction[:80]})"
    if status in _THROTTLING:
        wish = retry_after(headers)
        meaning = "it asks for fewer requests" + ("" if wish is None else f" for {wish:g} s")
        if status == 503 and wish is None:
            # What the proxy of a Swift says when all its disks have said 507.
            meaning = "the store is overloaded, full or down"
        return StoreThrottledError(f"{message}: {meaning}", store=store, key=key, retry_after=wish)
    if status in _PLAIN:
        kind, meaning = _PLAIN[status]
        if status == 401:
            meaning += _CREDENTIALS_ADVICE.get(store.partition(":")[0], "")
        return kind(f"{message}: {meaning}{asked}", store=store, key=key)
    if status == 422:
        return IntegrityError(f"{message}: it received other bytes than were sent; try again", source=store)
    if status >= 500:
        return StoreUnavailableError(f"{message}: the server failed; try again{asked}", store=store, key=key)
    meaning = redirection(status, headers) or ", which is unexpected here"
    return StoreError(f"{message}{meaning}; is the store's URL right?{asked}", store=store, key=key)


def redirection(status: int, headers: Mapping[str, str]) -> str:
    """Where an answer redirects to, in words that follow its status; empty if it does not redirect."""
    location = headers.get("Location")
    return f", redirecting to {shown_url(location)}" if 300 <= status < 400 and location else ""


def content_range(text: str | None) -> tuple[int, int, int | None] | None:
    """First byte, last byte and whole size (None: not told) of a `Content-Range`; None if it is not of that form."""
    match = _CONTENT_RANGE.fullmatch((text or "").strip())
    if match is None:
        return None
    first, last, size = match.groups()
    return int(first), int(last), None if size == "*" else int(size)


def content_length(headers: Mapping[str, str]) -> int | None:
    """The announced bytes of a body; None if they are not announced."""
    text = headers.get("Content-Length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def require_range(
    status: int, headers: Mapping[str, str], *, start: int, length: int, what: str, store: str, key: str
) -> None:
    """Check that a successful answer brings exactly `length` bytes from `start`.

    Raises:
        RangeError: It brings others, or more, or fewer.
    """
    announced = content_length(headers)
    if status == 200 and start == 0 and announced == length:
        return
    if status == 200:
        problem = "the whole object came instead of a range; does a proxy in between ignore ranges?"
    elif status != 206:
        problem = f"status {status} came instead of a range"
    elif (got := content_range(headers.get("Content-Range"))) is None:
        problem = f"Content-Range is {repr(headers.get('Content-Range'))[:100]}"
    elif got[:2] != (start, start + length - 1):
        problem = f"bytes {got[0]}-{got[1]} of {got[2]} came instead; is the object shorter than it should be?"
    elif announced is not None and announced != length:
        problem = f"a body of {announced} bytes came instead"
    else:
        return
    raise RangeError(
        f"{store}: {what} was asked for bytes {start}-{start + length - 1}: {problem}", store=store, key=key
    )


def version_mark(headers: Mapping[str, str]) -> str | None:
    """What tells one version of an object from another: the ETag, else date and size; None if there is neither."""
    if etag := headers.get("ETag"):
        return etag[:_MARK_LIMIT]
    if modified := headers.get("Last-Modified"):
        got = content_range(headers.get("Content-Range"))
        size = got[2] if got else content_length(headers)
        return f"{modified}, {size} bytes"
    return None
