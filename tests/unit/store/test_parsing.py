from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcdist.errors import InvariantError, StoreError, UsageError
from dcdist.ports.store import Entry
from dcdist.store import open_store
from dcdist.store.http.endpoint import Endpoint
from dcdist.store.http.proxies import Proxies
from dcdist.store.http.versions import Versions
from dcdist.store.object_keys import is_key, require_range
from dcdist.store.remarks import Remarks
from dcdist.store.swift.swift_info import ClusterInfo, info_url, parse_info
from dcdist.store.swift.swift_listing import Page, parse_page
from dcdist.store.swift.swift_sign_in import Account, Credentials, read_account

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.model.trouble import Troubled

SWIFT = {"ST_AUTH": "http://swift:8080/auth/v1.0", "ST_USER": "a:u", "ST_KEY": "secret"}


@pytest.mark.parametrize("key", ["a", "layers/0a/segments/00000", "swarm/d/r/x,y,z", "a/b.c-d_e", "-a", "a..b"])
def test_these_are_keys(key: str) -> None:
    assert is_key(key)


@pytest.mark.parametrize(
    "key", ["", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "a/.b", "a b", "a\n", "a%2e", "a?b", "a~", "é", "x" * 801]
)
def test_these_are_no_keys(key: str) -> None:
    assert not is_key(key)


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, 0), (5, -1)])
def test_a_range_has_at_least_one_byte(start: int, length: int) -> None:
    with pytest.raises(InvariantError):
        require_range(start, length)


def test_another_version_is_worth_one_remark_and_the_oldest_are_forgotten() -> None:
    told: list[Troubled] = []
    versions = Versions(Remarks(told.append), store="s", limit=2)
    for key, mark in [("a", "1"), ("b", "1"), ("a", "1"), ("c", "1"), ("b", "2")]:
        versions.see(key, mark)
    assert told == []

    versions.see("b", "1")
    versions.see("c", "2")

    (remark,) = told
    assert (remark.kind, remark.source) == ("workaround", "s/b")
    assert "b comes in versions (was 2, is 1)" in remark.message


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "http://swift/", None),
        ({"http_proxy": "http://proxy:3128"}, "http://swift/", "http://proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, "http://swift/", "http://proxy:3128"),
        ({"HTTP_PROXY": "http://no:1", "http_proxy": "http://proxy:3128"}, "http://swift/", "http://proxy:3128"),
        ({"http_proxy": "proxy:3128"}, "http://swift/", "http://proxy:3128"),
        ({"http_proxy": "http://proxy:3128"}, "https://swift/", None),
        ({"https_proxy": "http://proxy:3128"}, "https://swift/", "http://proxy:3128"),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "swift"}, "http://swift:8080/", None),
        ({"http_proxy": "http://proxy:3128", "NO_PROXY": ".example.com"}, "http://a.example.com/", None),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "*"}, "http://swift/", None),
        ({"http_proxy": "http://proxy:3128", "no_proxy": "other"}, "http://u:p@swift/", "http://proxy:3128"),
    ],
)
def test_proxies_follow_the_variables(environment: dict[str, str], url: str, proxy: str | None) -> None:
    found = Proxies(environment).proxy_for(url)
    assert (found.endpoint.url if found else None) == proxy


def test_a_proxy_of_another_kind_is_refused() -> None:
    with pytest.raises(UsageError, match="https_proxy"):
        Proxies({"https_proxy": "socks5://proxy:1080"})


def _row(name: str, modified: str = "2026-11-22T11:39:33.250000") -> dict[str, object]:
    return {"name": name, "bytes": 7, "hash": "x", "content_type": "y", "last_modified": modified}


def test_a_page_of_a_listing_becomes_entries_without_the_prefix() -> None:
    data = json.dumps([_row("p/a"), {"subdir": "p/x/"}, _row("p/b/c"), _row("p/.hidden"), _row("p/")]).encode()

    page = parse_page(data, root="p/", store="s")

    assert page == Page(
        (Entry("a", 7, 1795347573.25), Entry("b/c", 7, 1795347573.25)), names=4, characters=19, last="p/"
    )


def test_a_page_without_names_is_the_last() -> None:
    assert parse_page(b"[]", root="", store="s") == Page((), names=0, last=None)


@pytest.mark.parametrize(
    ("told", "info"),
    [
        (
            {"version": "2.36.0", "container_listing_limit": 100, "account_listing_limit": 9, "account_autocreate": 0},
            ClusterInfo(listing_limit=100, is_swift=True),
        ),
        # Ceph's gateway.
        (
            {"version": "19.2.0", "container_listing_limit": 10000, "max_object_name_size": 1024},
            ClusterInfo(listing_limit=10000, is_swift=False),
        ),
        ({"container_listing_limit": 0}, ClusterInfo()),
        ({"container_listing_limit": "100"}, ClusterInfo()),
        ({"container_listing_limit": True}, ClusterInfo()),
        ([], ClusterInfo()),
        (None, ClusterInfo()),
    ],
)
def test_a_cluster_says_its_limit_and_what_it_is(told: object, info: ClusterInfo) -> None:
    assert parse_info(json.dumps({"swift": told}).encode()) == info


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"{}", b"1", b"[" * 100_000, b"\xff"])
def test_a_cluster_that_says_nothing_of_itself_is_unknown(data: bytes) -> None:
    assert parse_info(data) == ClusterInfo()


@pytest.mark.parametrize(
    ("storage", "info"),
    [
        ("http://swift:8080/v1/AUTH_a", "http://swift:8080/info"),
        ("https://ceph/swift/v1/AUTH_a", "https://ceph/swift/info"),
        ("https://ceph/swift/v1", "https://ceph/swift/info"),
        ("https://other/account", "https://other/info"),
    ],
)
def test_what_a_cluster_says_of_itself_is_beside_its_accounts(storage: str, info: str) -> None:
    assert info_url(storage) == info


@pytest.mark.parametrize("data", [b"", b"<html>", b"{}x", b"[1]", b'[{"name": 1}]', b'[{"name": "a"}]', b"\xff", b"1"])
def test_what_is_no_listing_is_an_error(data: bytes) -> None:
    with pytest.raises(StoreError, match="listing cannot be read"):
        parse_page(data, root="", store="s")


@pytest.mark.parametrize("size", ["-1", "7.5", '"7"', "true[0]", "1e400", "9223372036854775808", "null", '"1_0"'])
def test_a_size_that_is_no_number_of_bytes_is_refused(size: str) -> None:
    data = f'[{{"name": "a", "bytes": {size}, "last_modified": "2026-11-22T11:39:33.250000"}}]'.encode()

    with pytest.raises(StoreError, match="listing cannot be read"):
        parse_page(data, root="", store="s")


def test_lists_in_lists_without_end_are_no_listing() -> None:
    with pytest.raises(StoreError, match="listing cannot be read"):
        parse_page(b"[" * 100_000, root="", store="s")


def test_what_a_message_says_of_a_bad_listing_is_short() -> None:
    data = json.dumps([_row("a", "x" * 100_000)]).encode()

    with pytest.raises(StoreError) as caught:
        parse_page(data, root="", store="s")

    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("last", ["p/a", "p/b"])
def test_a_page_that_does_not_go_on_behind_the_last_is_refused(last: str) -> None:
    data = json.dumps([_row("p/z"), _row(last)]).encode()

    with pytest.raises(StoreError, match="does not go on: asked for what follows 'p/b'"):
        parse_page(data, root="p/", store="s", marker="p/b")


@given(st.binary())
def test_no_bytes_break_the_reader_of_listings(data: bytes) -> None:
    with contextlib.suppress(StoreError):
        parse_page(data, root="", store="s")


def test_storage_urls_are_quoted() -> None:
    account = Account(Endpoint("http://swift/v1/AUTH_a"), "token")

    assert account.url("c") == "http://swift/v1/AUTH_a/c"
    assert account.url("c", "p/a,b c%é") == "http://swift/v1/AUTH_a/c/p/a%2Cb%20c%25%C3%A9"


def test_a_sign_in_gives_the_account() -> None:
    headers = {"X-Auth-Token": "token", "X-Storage-Url": "https://swift:8080/v1/AUTH_a/"}

    account = read_account(200, headers, credentials=Credentials.from_environment(SWIFT), store="s")

    assert account == Account(Endpoint("https://swift:8080/v1/AUTH_a/"), "token")


@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "v1/AUTH_a",
        "ftp://swift/v1",
        "http:///v1",
        "http://swift:99999/",
        "http://swift:0/",
        "http://\\",
        "http://a\xe9/",
    ],
)
def test_a_storage_url_that_cannot_be_asked_is_refused(url: str) -> None:
    headers = {"X-Auth-Token": "token", "X-Storage-Url": url}

    with pytest.raises(StoreError, match="as its storage, which is not a usable URL"):
        read_account(200, headers, credentials=Credentials.from_environment(SWIFT), store="s")


TLS = {**SWIFT, "ST_AUTH": "https://swift/auth/v1.0"}
IN_CLEAR = {"X-Auth-Token": "token", "X-Storage-Url": "http://swift/v1/AUTH_a"}


def test_after_a_sign_in_over_tls_no_token_goes_in_clear() -> None:
    with pytest.raises(StoreError, match=r"http://swift/v1/AUTH_a as its storage: .* unencrypted.* set ST_STORAGE_URL"):
        read_account(200, IN_CLEAR, credentials=Credentials.from_environment(TLS), store="s")


@pytest.mark.parametrize("headers", [IN_CLEAR, {"X-Auth-Token": "token"}])
@pytest.mark.parametrize("url", ["https://front/v1/AUTH_a", "http://inside/v1/AUTH_a"])
def test_the_users_storage_url_goes_before_the_servers(headers: dict[str, str], url: str) -> None:
    credentials = Credentials.from_environment({**TLS, "ST_STORAGE_URL": f"{url}/"})

    assert read_account(200, headers, credentials=credentials, store="s") == Account(Endpoint(f"{url}/"), "token")


@pytest.mark.parametrize("url", ["swift:8080", "ftp://swift/", "http://[", "http://u:secret@"])
def test_a_storage_url_of_the_user_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="ST_STORAGE_URL is ") as caught:
        Credentials.from_environment({**SWIFT, "ST_STORAGE_URL": url})

    assert "secret" not in str(caught.value)


def test_a_sign_in_that_is_redirected_says_where_to() -> None:
    headers = {"Location": "https://swift/auth/v1.0"}

    with pytest.raises(StoreError, match=r"answered 301, redirecting to https://swift/auth/v1\.0 and no token"):
        read_account(301, headers, credentials=Credentials.from_environment(SWIFT), store="s")


def test_keys_and_tokens_are_not_in_what_is_printed() -> None:
    assert "secret" not in repr(Credentials.from_environment(SWIFT))
    assert "token" not in repr(Account(Endpoint("http://swift"), "token")).replace("token=", "")


async def _open(url: str, environment: dict[str, str]) -> str:
    async with open_store(url, environment=environment) as store:
        return str(store)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("file:///srv/dcdist", "file:///srv/dcdist"),
        ("file:///srv/with%20space/", "file:///srv/with%20space"),
        ("file://localhost/srv", "file:///srv"),
        ("swift://Container", "swift://Container"),
        ("swift://container/demos/all/", "swift://container/demos/all"),
        ("http://host:8080/path/", "http://host:8080/path"),
        ("https://user:secret@host", "https://host"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
async def test_these_urls_open_a_store(url: str, name: str) -> None:
    assert await _open(url, SWIFT) == name


@pytest.mark.parametrize(
    ("url", "host"),
    [("file:///srv", ""), ("swift://container", "swift"), ("https://user:secret@host:8080/x", "host")],
)
async def test_a_store_names_its_server(url: str, host: str) -> None:
    async with open_store(url, environment=SWIFT) as store:
        assert store.host == host


@pytest.mark.parametrize(
    "url",
    [
        "", "/srv/dcdist", "srv", "file:", "file://", "file://srv/dcdist", "file:srv", "file:///a/../b", "swift://",
        "swift:///x", "swift://c/..", "swift://c/a//b", "swift://c/a b", "swift://c?x=1", "s3://bucket", "http://",
        "http:///x", "http://host:port/", "http://host/?x=1", "https://host/#x", "ftp://host/",
    ],
)  # fmt: skip
async def test_any_other_url_is_refused_with_examples(url: str) -> None:
    with pytest.raises(UsageError, match=r"write (file:///|swift://)"):
        await _open(url, SWIFT)


@pytest.mark.parametrize("name", ["ST_AUTH", "ST_USER", "ST_KEY"])
async def test_a_missing_variable_is_named(name: str) -> None:
    for value in ({}, {name: ""}):
        environment = {key: known for key, known in SWIFT.items() if key != name} | value
        with pytest.raises(UsageError, match=f"needs {name} in the environment"):
            await _open("swift://container", environment)


async def test_all_missing_variables_are_named() -> None:
    with pytest.raises(UsageError, match="ST_AUTH and ST_USER and ST_KEY"):
        await _open("swift://container", {})


async def test_an_auth_url_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="ST_AUTH is 'swift:8080'"):
        await _open("swift://container", {**SWIFT, "ST_AUTH": "swift:8080"})


async def test_a_ca_file_that_is_none_is_named(tmp_path: Path) -> None:
    for variable in ("SSL_CERT_FILE", "CURL_CA_BUNDLE"):
        environment = {variable: str(tmp_path / "ca.pem")}
        async with open_store("https://127.0.0.1:1/x", environment=environment) as store:
            with pytest.raises(UsageError, match=rf"ca\.pem' of {variable} cannot be used"):
                await store.get("key", limit=1)
