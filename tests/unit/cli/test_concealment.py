"""What others may see of arguments and variables."""

from __future__ import annotations

import pytest

from dcdist.cli.concealment import is_secret, without_secrets


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        (b"http://alice:s3cret@host/demos", b"http://...@host/demos"),
        (b"--store=https://alice:s3cret@host:8080/x", b"--store=https://...@host:8080/x"),
        (b"https://alice:s3@cr/et?#@host/x", b"https://...@host/x"),
        (b"https://host/x?X-Amz-Signature=0123", b"https://host/x?..."),
        (b"http:/alice:s3cret@host/x", b"...@host/x"),
        (b"alice:s3cret@host", b"...@host"),
        (b"http://alice:s3cret\n@host", b"http://...@host"),
        (b"//alice:s3cret@host", b"//...@host"),
    ],
)
def test_of_a_url_neither_password_nor_query_is_shown(argument: bytes, shown: bytes) -> None:
    assert without_secrets(argument) == shown


@pytest.mark.parametrize(
    "argument",
    [
        b"web-demo@2",
        b"--store",
        b"file:///srv/dcdist",
        b"swift://demos/x",
        b"https://host/x",
        b"10.0.0.5:6881",
        b"a?b",
        b"",
    ],
)
def test_what_holds_no_secret_stays_as_it_is(argument: bytes) -> None:
    assert without_secrets(argument) == argument


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        (b"ST_KEY", b"x", True),
        (b"ST_AUTH", b"http://swift/auth/v1.0", True),
        (b"OS_PASSWORD", b"x", True),
        (b"AWS_SECRET_ACCESS_KEY", b"x", True),
        (b"gitlab_token", b"x", True),
        (b"DCDIST_STORE", b"http://alice:s3cret@host/", True),
        (b"https_proxy", b"http://eve:s3cret@proxy:3128", True),
        (b"DCDIST_STORE", b"swift://demos", False),
        (b"PATH", b"/usr/bin:/bin", False),
        (b"PWD", b"/root", False),
        (b"LANG", b"C.UTF-8", False),
    ],
)
def test_a_variable_is_secret_by_its_name_or_by_a_url_with_a_password(name: bytes, value: bytes, secret: bool) -> None:
    assert is_secret(name, value) is secret
