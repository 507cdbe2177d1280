"""Headers of HTTP answers: whatever a server or a proxy says, an account, a number, or an error that can be told."""

from __future__ import annotations

import math
import re
from urllib.parse import urlsplit

from yarl import URL

from dcdist.errors import DcdistError, RangeError, StoreError
from dcdist.store.http import http_status, redirects
from dcdist.store.http.endpoint import Endpoint
from dcdist.store.shown_url import shown_url
from dcdist.store.swift.swift_sign_in import Credentials, read_account
from tests.fuzz.target import Target, require

_CREDENTIALS = Credentials(Endpoint("http://swift:8080/auth/v1.0"), "a:u", "secret")
_NAMES = (
    "Date", "Retry-After", "Content-Range", "Content-Length", "ETag", "Last-Modified", "X-Auth-Token",
    "X-Storage-Url", "X-Trans-Id", "Location",
)  # fmt: skip


def run(data: bytes) -> None:
    """Two bytes of status, then lines: a digit for the header's name, and its value."""
    status = int.from_bytes(data[:2], "little") % 1000
    headers: dict[str, str] = {}
    for line in data[2:].split(b"\n"):
        if line:
            headers[_NAMES[(line[0] - ord("0")) % len(_NAMES)]] = line[1:].decode("utf-8", "surrogateescape").strip()
    _numbers(headers)
    _errors(status, headers)
    try:
        account = read_account(status, headers, credentials=_CREDENTIALS, store="s")
    except StoreError as error:
        require(len(str(error)) < 2000, "a message is short")
        return
    parts = urlsplit(account.url("container", "a key"))
    require(parts.scheme in {"http", "https"} and bool(parts.hostname), "an account's URL is one of a server")
    URL(account.url("container", "a key"), encoded=True)


def _numbers(headers: dict[str, str]) -> None:
    for text in (headers.get("Date"), headers.get("Retry-After")):
        seconds = http_status.http_time(text)
        require(seconds is None or math.isfinite(seconds), "a time is a number")
    wait = http_status.retry_after(headers)
    require(wait is None or 0 <= wait < 1 << 40, "a wait is some seconds")
    length = http_status.content_length(headers)
    require(length is None or 0 <= length < 10**19, "a length is a number")
    got = http_status.content_range(headers.get("Content-Range"))
    require(got is None or min(got[0], got[1], got[2] or 0) >= 0, "a range is of numbers")
    mark = http_status.version_mark(headers)
    require(mark is None or mark != "", "a version has a mark")
    if (to := http_status.redirection(302, headers)) and (location := redirects.redirect_location(302, headers)):
        require(len(to) < 400, "where a redirect leads is told briefly")
        _redirect(location)


def _redirect(location: str) -> None:
    try:
        leads_to = redirects.redirect_target("https://web:8080/store/key", location)
    except redirects.RedirectRefusedError as refused:
        require(len(str(refused)) < 500, "a message is short")
        return
    parts = urlsplit(leads_to.url)
    require(
        parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc, "a redirect leads to a server"
    )
    URL(leads_to.url, encoded=True)


def _errors(status: int, headers: dict[str, str]) -> None:
    error = http_status.error_of(
        status, headers, what="GET key", store="s", key="key", asked=shown_url(headers.get("Location", ""))
    )
    require(isinstance(error, DcdistError) and len(str(error)) < 1000, "an error's message is short")
    try:
        http_status.require_range(status, headers, start=5, length=10, what="GET key", store="s", key="key")
    except RangeError as refused:
        require(len(str(refused)) < 1000, "an error's message is short")
        return
    right = re.match("bytes 0*5-0*14/", headers.get("Content-Range", ""))
    require(status == 206 and right is not None, "the right range came")


def seeds() -> list[bytes]:
    """Answers of each sort."""
    dates = [
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "1 Jan 1 0:0:0 +9999", "Mon, 1 Jan 9999 23:59:59 -2359", "0", "-1", "999999999999", "\u0663",
    ]  # fmt: skip
    lines = [
        *(f"0{date}\n1{date}" for date in dates), "2bytes 5-14/100\n310", "2bytes 5-14/*\n311", "2bytes 0-9/10",
        "39" + "9" * 30, '4"abc"\n5x', "4W/x", "4abc", "5now\n35", "6token\n7http://swift/v1/AUTH_a/",
        "6token\n7http://[", "6token\n7x", "6token\n7ftp://a/", "6token\n7http://a:99999/", "6token\n7http:///",
        "8" + "t" * 200,
    ]  # fmt: skip
    statuses = [0, 200, 204, 206, 302, 401, 403, 404, 409, 410, 412, 413, 416, 422, 429, 497, 498, 500, 503, 507, 999]
    return [
        *(status.to_bytes(2, "little") + b"020\n1" + b"5\n2bytes 5-14/100" for status in statuses),
        *(status.to_bytes(2, "little") + line.encode() for line in lines for status in (200, 206, 503)),
    ]  # fmt: skip


TARGET = Target(
    "answers",
    run,
    [
        read_account, http_status.http_time, http_status.retry_after, http_status.content_range,
        http_status.content_length, http_status.error_of, http_status.require_range, http_status.version_mark,
        redirects.redirect_target, Endpoint.parse,
    ],
    seeds,
)  # fmt: skip
