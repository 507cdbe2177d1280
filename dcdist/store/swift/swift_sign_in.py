"""Signing in to Swift (auth v1): one token for all, and one new sign-in for however many requests need it."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from dcdist.errors import StoreDeniedError, StoreError, UsageError
from dcdist.store.header_values import header_value
from dcdist.store.http.endpoint import Endpoint
from dcdist.store.http.http_status import error_of, redirection
from dcdist.store.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dcdist.store.http.http_session import HttpSession


@dataclass(frozen=True, slots=True)
class Credentials:
    """What `ST_AUTH` (a URL), `ST_USER` and `ST_KEY` say, and `ST_STORAGE_URL` if it is set.

    `storage` is where the objects are, whatever the answer to a sign-in says; None: where that says.
    """

    auth: Endpoint
    user: str
    key: str = field(repr=False)
    storage: Endpoint | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Credentials:
        """Read the variables.

        Raises:
            UsageError: One of the first three is not set, or one cannot be used.
        """
        missing = [name for name in ("ST_AUTH", "ST_USER", "ST_KEY") if not environment.get(name)]
        if missing:
            raise UsageError(
                f"a swift:// store needs {' and '.join(missing)} in the environment, for example "
                "ST_AUTH=https://swift.example.com/auth/v1.0 ST_USER=account:user ST_KEY=secret"
            )
        auth = _endpoint(environment, "ST_AUTH", "https://swift.example.com/auth/v1.0")
        user = header_value(environment["ST_USER"], variable="ST_USER")
        key = header_value(environment["ST_KEY"], variable="ST_KEY")
        if not environment.get("ST_STORAGE_URL"):
            return cls(auth, user, key)
        storage = _endpoint(environment, "ST_STORAGE_URL", "https://swift.example.com/v1/AUTH_account")
        return cls(auth, user, key, storage)


def _endpoint(environment: Mapping[str, str], variable: str, example: str) -> Endpoint:
    value = environment[variable]
    try:
        return Endpoint.parse(value)
    except ValueError as error:
        raise UsageError(f"{variable} is {shown_url(value)!r}: {error}; it must be a URL like {example}") from None


@dataclass(frozen=True, slots=True)
class Account:
    """Where the objects are, and the token that opens it."""

    storage: Endpoint
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What each request says besides."""
        return {**self.storage.headers, "X-Auth-Token": self.token}

    def url(self, *path: str) -> str:
        """The quoted URL of a container or an object."""
        return "/".join([self.storage.url.rstrip("/"), *(quote(part) for part in path)])


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
        credentials, auth = self._credentials, self._credentials.auth
        headers = {**auth.headers, "X-Auth-User": credentials.user, "X-Auth-Key": credentials.key}
        what = "the sign-in (ST_AUTH)"
        response = await self._session.send("GET", auth.url, headers=headers, what=what)
        try:
            return read_account(
                response.status,
                response.headers,
                credentials=credentials,
                store=self._session.store,
                asked=self._session.asked(auth.url),
            )
        finally:
            response.release()


def read_account(
    status: int, headers: Mapping[str, str], *, credentials: Credentials, store: str, asked: str = ""
) -> Account:
    """The account that the answer to a sign-in names; `store` and `asked`, the URL as messages show it, stand in those.

    Raises:
        StoreDeniedError: The credentials are not accepted.
        StoreError: The server is busy or broken, or is not a Swift.
    """
    auth = asked or shown_url(credentials.auth.url)
    if status in {401, 403}:
        raise StoreDeniedError(
            f"{store}: {auth} does not accept ST_USER={credentials.user} with that ST_KEY", store=store
        )
    token, named = headers.get("X-Auth-Token"), headers.get("X-Storage-Url")
    if 200 <= status < 300 and token and (credentials.storage or named):
        return Account(
            credentials.storage or _storage(named or "", credentials.auth.url, store=store, asked=auth), token
        )
    if status in {407, 429, 498, 511} or status >= 500:
        error = error_of(status, headers, what="the sign-in", store=store, key="", asked=auth)
        if isinstance(error, StoreError):
            raise error
    raise StoreError(
        f"{store}: {auth} answered {status}{redirection(status, headers)} and no token: is ST_AUTH the URL of auth v1, "
        "as in https://swift.example.com/auth/v1.0?",
        store=store,
    )


def _storage(url: str, auth: str, *, store: str, asked: str) -> Endpoint:
    """What a sign-in at `auth` names as its storage, if it can be asked and the token does not go there in clear.

    Raises:
        StoreError: It cannot, or it would.
    """
    try:
        storage = Endpoint.parse(url)
    except ValueError as error:
        raise StoreError(
            f"{store}: {asked} names {shown_url(url)!r} as its storage, which is not a usable URL: {error}", store=store
        ) from None
    if auth.startswith("https:") and storage.url.startswith("http:"):
        raise StoreError(
            f"{store}: {asked} names {shown_url(storage.url)} as its storage: after a sign-in over TLS the token and "
            "the data would go unencrypted. Have the cluster name an https:// URL (Swift's auth has storage_url_scheme "
            "= https for a proxy that ends TLS), or set ST_STORAGE_URL to the account's URL",
            store=store,
        )
    return storage
