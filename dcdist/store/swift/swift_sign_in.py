"""Signing in to Swift (auth v1): one token for all, and one new sign-in for however many requests need it."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from yarl import URL

from dcdist.errors import StoreDeniedError, StoreError, UsageError
from dcdist.store.http.http_status import error_of, redirection
from dcdist.store.http.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcdist.store.http.http_session import HttpSession


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `ST_AUTH` (a URL), `ST_USER` and `ST_KEY` say, and `ST_STORAGE_URL` if it is set.

    `storage` is where the objects are, whatever the answer to a sign-in says; empty: where that says.
    """

    auth: str
    user: str
    key: str = field(repr=False)
    storage: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Credentials:
        """Read the variables.

        Raises:
            UsageError: One of the first three is not set, or one that should be a URL is not.
        """
        missing = [name for name in ("ST_AUTH", "ST_USER", "ST_KEY") if not environment.get(name)]
        if missing:
            raise UsageError(
                f"a swift:// store needs {' and '.join(missing)} in the environment, for example "
                "ST_AUTH=http://swift.example.com:8080/auth/v1.0 ST_USER=account:user ST_KEY=secret"
            )
        auth = environment["ST_AUTH"]
        if urlsplit(auth).scheme not in {"http", "https"}:
            raise UsageError(f"ST_AUTH is {auth!r}; it must be a URL like http://swift.example.com:8080/auth/v1.0")
        storage = environment.get("ST_STORAGE_URL", "")
        if storage and not _is_usable(storage):
            raise UsageError(
                f"ST_STORAGE_URL is {shown_url(storage)!r}; it must be a URL like "
                "https://swift.example.com:8080/v1/AUTH_account"
            )
        return cls(auth, environment["ST_USER"], environment["ST_KEY"], storage)


@dataclass(frozen=True, slots=True)
class Account:
    """Where the objects are, and the token that opens it."""

    storage_url: str
    token: str = field(repr=False)

    def url(self, *path: str) -> str:
        """The quoted URL of a container or an object."""
        return "/".join([self.storage_url, *(quote(part) for part in path)])


class SignIn:
    """The account of one store; signs in when first needed, and when a token was rejected."""

    def __init__(self, credentials: Credentials, session: HttpSession) -> None:
        self._credentials = credentials
        self._session = session
        self._lock = asyncio.Lock()
        self._account: Account | None = None
        self._attempts = 0
        self._failure: StoreError | None = None

    async def account(self, *, rejected: Account | None = None) -> Account:
        """The account; a new one if the known one is `rejected`.

        Callers during a sign-in get its result, or its failure.

        Raises:
            StoreDeniedError: The credentials are not accepted.
            StoreError: The server could not be asked.
        """
        if self._account is not None and self._account is not rejected:
            return self._account
        attempts = self._attempts
        async with self._lock:
            if self._account is not None and self._account is not rejected:
                return self._account
            if self._attempts != attempts and self._failure is not None:
                # A copy: each caller adds to it what it tried.
                raise copy(self._failure)
            self._account = self._failure = None
            try:
                self._account = await self._sign_in()
            except StoreError as error:
                self._failure = error
                raise
            finally:
                self._attempts += 1
            return self._account

    async def _sign_in(self) -> Account:
        credentials = self._credentials
        headers = {"X-Auth-User": credentials.user, "X-Auth-Key": credentials.key}
        what = f"the sign-in at {credentials.auth} (ST_AUTH)"
        response = await self._session.send("GET", credentials.auth, headers=headers, what=what)
        try:
            return read_account(response.status, response.headers, credentials=credentials, store=self._session.store)
        finally:
            response.release()


def read_account(status: int, headers: Mapping[str, str], *, credentials: Credentials, store: str) -> Account:
    """The account that the answer to a sign-in names; `store` stands in messages.

    Raises:
        StoreDeniedError: The credentials are not accepted.
        StoreError: The server is busy or broken, or is not a Swift.
    """
    auth = credentials.auth
    if status in {401, 403}:
        raise StoreDeniedError(
            f"{store}: {auth} does not accept ST_USER={credentials.user} with that ST_KEY", store=store
        )
    token, url = headers.get("X-Auth-Token"), credentials.storage or headers.get("X-Storage-Url")
    if 200 <= status < 300 and token and url:
        if not credentials.storage:
            _require_storage_url(url, store=store, auth=auth)
        return Account(url.rstrip("/"), token)
    if status in {429, 498} or status >= 500:
        error = error_of(status, headers, what="the sign-in", store=store, key="", url=auth)
        if isinstance(error, StoreError):
            raise error
    raise StoreError(
        f"{store}: {auth} answered {status}{redirection(status, headers)} and no token: is ST_AUTH the URL of auth v1, "
        "as in http://swift.example.com:8080/auth/v1.0?",
        store=store,
    )


def _require_storage_url(url: str, *, store: str, auth: str) -> None:
    """Check that what a sign-in names as its storage can be asked, and that the token does not go there in clear.

    Raises:
        StoreError: It cannot, or it would.
    """
    if not _is_usable(url):
        raise StoreError(f"{store}: {auth} names {url[:200]!r} as its storage, which is not a usable URL", store=store)
    if urlsplit(auth).scheme == "https" and urlsplit(url).scheme == "http":
        raise StoreError(
            f"{store}: {auth} names {shown_url(url)} as its storage: after a sign-in over TLS the token and the data "
            "would go unencrypted. Have the cluster name an https:// URL (Swift's auth has storage_url_scheme = https "
            "for a proxy that ends TLS), or set ST_STORAGE_URL to the account's URL",
            store=store,
        )


def _is_usable(url: str) -> bool:
    """Whether requests can be sent there."""
    try:
        URL(url, encoded=True)  # as requests will have it
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return usable and url.isascii() and url.isprintable()
