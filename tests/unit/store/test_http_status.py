from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from dcdist.store.http.http_status import (
    content_length,
    content_range,
    error_of,
    http_time,
    require_range,
    retry_after,
    version_mark,
)
from dcdist.store.shown_url import shown_url

DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784111777.0),
        ("Sun, 06 Nov 1994 08:49:37", 784111777.0),
        ("Sun, 06 Nov 1994 09:49:37 +0100", 784111777.0),
        ("", None),
        (None, None),
        ("tomorrow", None),
        ("Sun, 99 Nov 1994 08:49:37 GMT", None),
    ],
)
def test_http_dates_are_seconds_since_1970(text: str | None, seconds: float | None) -> None:
    assert http_time(text) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 0 "}, 0.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT", "Date": DATE}, 10.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:00 GMT", "Date": DATE}, 0.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:49:47 GMT"}, None),
        ({"Retry-After": "-1", "Date": DATE}, None),
        ({"Retry-After": "1.5", "Date": DATE}, None),
        ({"Retry-After": "9" * 5000}, 999_999_999.0),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_servers_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, StoreError), (401, StoreDeniedError), (403, StoreDeniedError), (404, ObjectMissingError),
        (407, StoreDeniedError), (408, StoreUnavailableError), (409, StoreUnavailableError),
        (410, ObjectMissingError), (412, ObjectChangedError), (413, StoreFullError), (416, RangeError),
        (422, IntegrityError), (429, StoreThrottledError), (497, StoreDeniedError), (498, StoreThrottledError),
        (500, StoreUnavailableError), (502, StoreUnavailableError), (503, StoreThrottledError),
        (501, StoreError), (504, StoreUnavailableError), (507, StoreFullError), (302, StoreError),
    ],
)  # fmt: skip
def test_every_status_has_its_error(status: int, kind: type[DcdistError]) -> None:
    error = error_of(status, {"X-Trans-Id": "tx1"}, what="GET a/b", store="swift://c", key="a/b")

    assert type(error) is kind
    assert str(error).startswith(f"swift://c: GET a/b answered {status} (transaction tx1)")


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 410, 500, 501, 502])
def test_where_the_url_may_be_wrong_the_message_shows_it(status: int) -> None:
    error = error_of(status, {}, what="GET k", store="swift://c", key="k", asked="http://swift/v1/k")

    assert str(error).endswith(" (http://swift/v1/k)")


@pytest.mark.parametrize("status", [409, 412, 413, 416, 429, 498, 503, 507])
def test_what_only_a_store_answers_needs_no_url(status: int) -> None:
    assert "http" not in str(error_of(status, {}, what="GET k", store="swift://c", key="k", asked="http://swift/v1/k"))


def test_a_redirection_says_where_to() -> None:
    headers = {"Location": "https://me:secret@swift/v1\x1b/k?sig=secret"}
    error = error_of(301, headers, what="GET k", store="s", key="k", asked="http://swift/v1/k")

    assert str(error) == (
        "s: GET k answered 301, redirecting to https://swift/v1?/k; is the store's URL right? (http://swift/v1/k)"
    )


@pytest.mark.parametrize("status", [501, 301])
def test_what_a_server_never_does_is_not_tried_again(status: int) -> None:
    assert not error_of(status, {}, what="PUT k", store="s", key="k").retryable


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a%20b", "https://host/a%20b"),
        ("https://host:1/#x", "https://host:1/"),
        ("//u:p@host/x", "//host/x"),
        ("HTTP://a@b@host/x@y", "HTTP://host/x@y"),
        ("/v1/k?sig=1", "/v1/k"),
        ("http://h/" + "x" * 500, "http://h/" + "x" * 191 + "..."),
        ("http://h\u00e9\n", "http://h??"),
        # Credentials with characters that should have been escaped, or in what is not a URL.
        ("http://me:se/cret@host/x", "http://...@host/x"),
        ("http://me:se#cret@host/x", "http://..."),
        ("http://host:1/?x=a@secret", "http://..."),
        ("http://host/?x=a@secret", "http://host/"),
        ("http://me:12/cret@host/x", "http://...@host/x"),
        ("me:secret@host:80", "...@host:80"),
        ("http:/me:secret@host", "...@host"),
        ("http:\\\\me:sec\nret@host", "...@host"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("http://host:80/x", "http://host:80/x"),
    ],
)
def test_a_url_is_shown_without_secrets_and_briefly(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_throttling_carries_the_stores_wish() -> None:
    wished = error_of(503, {"Retry-After": "3"}, what="GET k", store="s", key="k")
    silent = error_of(429, {}, what="GET k", store="s", key="k")

    assert isinstance(wished, StoreThrottledError)
    assert (wished.retry_after, wished.store, wished.key) == (3.0, "s", "k")
    assert isinstance(silent, StoreThrottledError)
    assert silent.retry_after is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("bytes 0-9/10", (0, 9, 10)),
        ("bytes 5-6/*", (5, 6, None)),
        ("bytes 005-14/100", (5, 14, 100)),
        ("bytes \u0665-14/100", None),
        ("bytes */10", None),
        ("bytes=0-9/10", None),
        ("bytes 0-" + "9" * 5000 + "/10", None),
        (None, None),
    ],
)
def test_content_ranges_are_read_strictly(text: str | None, found: tuple[int, int, int | None] | None) -> None:
    assert content_range(text) == found


@given(st.text())
def test_no_header_value_breaks_the_reader(text: str) -> None:
    headers = {"Retry-After": text, "Date": text, "Content-Length": text, "Content-Range": text}

    assert (retry_after(headers) or 0.0) >= 0.0
    assert (content_length(headers) or 0) >= 0
    content_range(text)


def _range_problem(status: int, headers: dict[str, str], start: int = 10, length: int = 5) -> str | None:
    try:
        require_range(status, headers, start=start, length=length, what="GET k", store="s", key="k")
    except RangeError as error:
        return str(error)
    return None


def test_the_range_asked_for_is_accepted() -> None:
    assert _range_problem(206, {"Content-Range": "bytes 10-14/99", "Content-Length": "5"}) is None
    assert _range_problem(206, {"Content-Range": "bytes 10-14/*"}) is None
    assert _range_problem(200, {"Content-Length": "5"}, start=0) is None


@pytest.mark.parametrize(
    ("status", "headers", "problem"),
    [
        (200, {"Content-Length": "99"}, "the whole object came"),
        (206, {"Content-Range": "bytes 10-13/14", "Content-Length": "4"}, "bytes 10-13 of 14"),
        (206, {"Content-Range": "bytes 0-4/99", "Content-Length": "5"}, "bytes 0-4 of 99"),
        (206, {"Content-Range": "bytes 10-14/99", "Content-Length": "6"}, "a body of 6 bytes"),
        (206, {"Content-Type": "multipart/byteranges; boundary=x"}, "Content-Range is None"),
        (204, {}, "status 204"),
    ],
)
def test_any_other_range_is_refused(status: int, headers: dict[str, str], problem: str) -> None:
    assert problem in (_range_problem(status, headers) or "")


def test_the_whole_object_is_no_range_unless_it_is_the_range() -> None:
    assert _range_problem(200, {"Content-Length": "6"}, start=0) is not None
    assert _range_problem(200, {}, start=0) is not None
    assert _range_problem(200, {"Content-Length": "5"}, start=10) is not None


@pytest.mark.parametrize(
    ("headers", "mark"),
    [
        ({"ETag": "abc"}, "abc"),
        ({"ETag": 'W/"abc"', "Last-Modified": DATE}, 'W/"abc"'),
        ({"Last-Modified": DATE, "Content-Range": "bytes 0-4/99"}, f"{DATE}, 99 bytes"),
        ({"Last-Modified": DATE, "Content-Length": "5"}, f"{DATE}, 5 bytes"),
    ],
)
def test_the_etag_marks_a_version_else_date_and_size(headers: dict[str, str], mark: str) -> None:
    assert version_mark(headers) == mark


def test_without_etag_and_date_versions_cannot_be_told_apart() -> None:
    assert version_mark({"Content-Length": "5"}) is None


def test_what_a_message_says_of_a_bad_range_is_short() -> None:
    with pytest.raises(RangeError) as caught:
        require_range(206, {"Content-Range": "x" * 8000}, start=0, length=1, what="GET k", store="s", key="k")

    assert len(str(caught.value)) < 250
