"""What variables and URLs say to a store: parsed at the start, refused by name, and never shown with a secret."""

from __future__ import annotations

import errno
import itertools
import traceback
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcdist.cli.faults import fault_of
from dcdist.errors import StoreDeniedError, StoreUnavailableError, UsageError
from dcdist.store import open_store
from dcdist.store.http.endpoint import Endpoint
from dcdist.store.http.http_errors import transport_error
from dcdist.store.http.http_status import error_of
from dcdist.store.http.no_proxy import NoProxy
from dcdist.store.http.redirects import RedirectRefusedError, redirect_target
from dcdist.store.shown_url import shown_url

if TYPE_CHECKING:
    from pathlib import Path

SWIFT = {"ST_AUTH": "http://swift:8080/auth/v1.0", "ST_USER": "a:u", "ST_KEY": "right"}
WEB = "http://web/path"


async def refusal(environment: dict[str, str], url: str = "swift://container") -> str:
    """What the store says when it is opened."""
    with pytest.raises(UsageError) as caught:
        async with open_store(url, environment=environment):
            pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("S3CRET\r", "has a line end in it"),
        ("S3CRET\n", "has a line end in it"),
        ("S3\rCRET", "has a line end in it"),
        ("S3\0CRET", "has a control character in it"),
        ("S3CRET\x7f", "has a control character in it"),
        ("S3CRET\udce9", "has bytes in it that are not UTF-8"),
        (" S3CRET", "begins or ends with a space"),
    ],
)
@pytest.mark.parametrize("variable", ["ST_USER", "ST_KEY"])
async def test_what_no_header_can_carry_is_refused_by_the_variables_name(
    variable: str, value: str, problem: str
) -> None:
    message = await refusal({**SWIFT, variable: value})

    assert message.startswith(f"{variable} {problem}")
    assert "CRET" not in message


URLS = [
    ("http://me:S3CRET@host:port/", "its port is not a number from 1 to 65535"),
    ("http://me:S3CRET@host:99999/", "its port is not a number from 1 to 65535"),
    ("http://me:S3CRET@host:0/", "its port is not a number from 1 to 65535"),
    ("http://me:S3CRET@host/\r", "it has a line end or another control character in it"),
    ("http://me:S3CRET@ho\nst/", "it has a line end or another control character in it"),
    ("http://me:S3CRET@[::1", "its host cannot be read"),
    ("http://[::1", "its host cannot be read"),
    ("http://me:S3CRET@", "it names no host"),
    ("http://", "it names no host"),
    ("http://me:S3CRET@a..b/", "a part of its host name is empty"),
    (f"http://{'a' * 64}/", "longer than 63 characters"),
    ("http://me:S3CRET@h\xf6st/", "its host has characters that no host name has"),
    ("http://me:S3/CRET@host/", "its port is not a number"),
    ("http://me:S3#CRET@host/", "its port is not a number"),
    ("socks5://me:S3CRET@host/", "it does not begin with http:// or https://"),
]


@pytest.mark.parametrize(("value", "problem"), URLS)
@pytest.mark.parametrize("variable", ["ST_AUTH", "ST_STORAGE_URL", "http_proxy", "HTTPS_PROXY"])
async def test_a_url_that_cannot_be_used_is_refused_by_the_variables_name(
    variable: str, value: str, problem: str
) -> None:
    message = await refusal({**SWIFT, variable: value})

    assert message.startswith(f"{variable} is '")
    assert problem in message
    assert not any(part in message for part in ("S3", "CRET"))


@pytest.mark.parametrize("value", [value for value, _ in URLS] + ["http://me:S3CRET@host/?x", "file://me:S3CRET@host/"])
async def test_a_stores_url_that_cannot_be_used_is_shown_without_its_password(value: str) -> None:
    message = await refusal({}, value)

    assert message.startswith("store '")
    assert not any(part in message for part in ("S3", "CRET"))


async def test_a_proxy_matters_to_stores_that_are_asked_over_http_only(tmp_path: Path) -> None:
    environment = {"http_proxy": "http://[::1"}
    async with open_store(tmp_path.as_uri(), environment=environment) as store:
        assert str(store) == tmp_path.as_uri()
    assert (await refusal(environment, WEB)).startswith("http_proxy is ")


@pytest.mark.parametrize(
    ("text", "url", "authorization"),
    [
        ("http://host", "http://host", ""),
        ("https://host:8443/a%20b", "https://host:8443/a%20b", ""),
        ("https://host/a b/\xe9", "https://host/a%20b/%C3%A9", ""),
        ("http://[fd00::1]:80/x", "http://[fd00::1]:80/x", ""),
        ("http://me:p\xe9@host/", "http://host/", "Basic bWU6cMOp"),
        ("http://me:p%C3%A9@host/", "http://host/", "Basic bWU6cMOp"),
        # Whoever wants Latin-1 can have it.
        ("http://me:p%E9@host/", "http://host/", "Basic bWU6cOk="),
        ("http://me@host/", "http://host/", "Basic bWU6"),
        ("http://me:a%40b@host/", "http://host/", "Basic bWU6YUBi"),
    ],
)
def test_credentials_leave_the_url_and_go_as_utf_8(text: str, url: str, authorization: str) -> None:
    found = Endpoint.parse(text)

    assert (found.url, found.authorization) == (url, authorization)
    assert "Basic" not in repr(found)


@given(
    st.text(), st.text(alphabet="S3CRET/?#@:[]\\% \n", min_size=1), st.sampled_from(["http://", "https:/", "", "//"])
)
def test_no_password_is_shown_of_any_url(user: str, password: str, scheme: str) -> None:
    shown = shown_url(f"{scheme}u{user}:{password}PASSWORD@host/path")

    assert "PASSWORD" not in shown


@pytest.mark.parametrize(
    ("entries", "host", "port", "covered"),
    [
        ("127.0.0.0/8", "127.1.2.3", 80, True),
        ("10.0.0.0/8,127.0.0.0/8", "10.20.30.40", 443, True),
        ("10.0.0.0/8", "11.0.0.1", 80, False),
        ("10.1.2.3/8", "10.9.9.9", 80, True),
        ("10.0.0.1", "10.0.0.1", 80, True),
        ("10.0.0.1", "110.0.0.1", 80, False),
        ("10.0.0.1:8080", "10.0.0.1", 8080, True),
        ("10.0.0.1:8080", "10.0.0.1", 80, False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", 80, True),
        ("fd00::/8", "fd00::1", 80, True),
        ("fd00::/8", "fe80::1", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "0:0:0:0:0:0:0:1", 80, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("fe80::/10", "fe80::1%eth0", 80, True),
        ("10.0.0.0/8", "ten.example.com", 80, False),
        ("*", "anything", 80, True),
        ("a, *", "10.0.0.1", 80, True),
        ("example.com", "example.com", 80, True),
        ("example.com", "a.example.com", 80, True),
        ("example.com", "badexample.com", 80, False),
        (".example.com", "a.b.example.com", 80, True),
        ("*.example.com", "a.example.com", 80, True),
        ("EXAMPLE.com", "example.COM", 80, True),
        ("example.com:8080", "example.com", 8080, True),
        ("example.com:8080", "example.com", 80, False),
        ("a.com b.com", "b.com", 80, True),
        (" a.com ,b.com", "a.com", 80, True),
        ("", "example.com", 80, False),
        (",", "example.com", 80, False),
    ],
)
def test_no_proxy_takes_names_addresses_and_ranges(entries: str, host: str, port: int, covered: bool) -> None:
    assert NoProxy(entries).covers(host, port) is covered


async def test_an_error_behind_a_proxy_names_it_and_its_variable_but_not_its_password() -> None:
    environment = {"HTTP_PROXY": "http://me:S3CRET@127.0.0.1:1"}
    async with open_store(WEB, environment=environment) as store:
        with pytest.raises(StoreUnavailableError) as caught:
            await store.get("key", limit=1)

    assert str(caught.value).endswith("(http://web/path/key through the proxy http://127.0.0.1:1 of HTTP_PROXY)")
    assert "S3CRET" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("store", "advice"),
    [
        ("swift://c", "the credentials are not accepted; check ST_USER and ST_KEY"),
        ("https://host", "put the right ones into the store's URL: https://user:password@host/path"),
    ],
)
def test_a_401_says_where_the_credentials_of_that_store_are(store: str, advice: str) -> None:
    error = error_of(401, {}, what="GET k", store=store, key="k")

    assert isinstance(error, StoreDeniedError)
    assert advice in str(error)
    assert ("ST_KEY" in str(error)) is store.startswith("swift")


@pytest.mark.parametrize(
    ("url", "to", "leads_to"),
    [
        ("http://a/x", "https://b/y?sig=1%2F2", "https://b/y?sig=1%2F2"),
        ("http://a/x/y", "z", "http://a/x/z"),
        ("https://a/x", "/z", "https://a/z"),
        ("https://a/x", "//b/z", "https://b/z"),
        ("https://a/x", "https://b/a b", "https://b/a%20b"),
        ("https://a/x", "http://b/z", None),
        ("http://a/x", "javascript:alert(1)", None),
        ("http://a/x", "http://[::1/", None),
    ],
)
def test_a_redirect_is_followed_to_http_and_never_out_of_tls(url: str, to: str, leads_to: str | None) -> None:
    try:
        found: str | None = redirect_target(url, to).url
    except RedirectRefusedError:
        found = None
    assert found == leads_to


async def test_no_secret_is_in_any_message_log_or_traceback() -> None:
    """Everything that can be said of a store whose credentials are everywhere, by every failure that has a message."""
    secret = "S3CRET"
    proxy = {"http_proxy": f"http://me:{secret}@127.0.0.1:1", "no_proxy": ""}
    swift = {"ST_AUTH": f"http://me:{secret}@127.0.0.1:1/auth?{secret}", "ST_USER": "u", "ST_KEY": secret}
    stores = [("swift://c", swift), (f"http://me:{secret}@127.0.0.1:1/x", {}), (f"http://me:{secret}@web/x", proxy)]
    said = []
    for (url, environment), more in itertools.product(
        stores, [{}, {"ST_STORAGE_URL": f"http://me:{secret}@127.0.0.1:1"}]
    ):
        async with open_store(url, environment={**environment, **more}) as store:
            said.append(repr(store) + str(store) + store.host)
            for operation in (store.get("key", limit=1), store.exists(), store.put("key", b""), store.list("")):
                try:
                    await operation
                except Exception as error:
                    fault = fault_of(error)
                    said += ["".join(traceback.format_exception(error)), str(fault.record()), fault.trace, repr(error)]
    url = f"http://me:{secret}@host/?{secret}"
    refused = OSError(errno.ECONNREFUSED, "refused")
    said.append(str(transport_error(refused, what="GET", store="s", key="", stall=1.0, url=url)))

    assert len(said) > 50
    assert [each for each in said if secret in each] == []
