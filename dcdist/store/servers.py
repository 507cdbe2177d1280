"""Which servers a store asks, and by which way: proxies, CA files, the account of a sign-in. For looking at a host.

Invariant: what is shown of a URL has no credentials in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dcdist.store.http.http_session import HttpSession
from dcdist.store.http.in_clear import is_in_clear
from dcdist.store.http.proxies import Proxies
from dcdist.store.http.tls import CA_VARIABLES
from dcdist.store.shown_url import shown_url
from dcdist.store.swift.swift_sign_in import Credentials, SignIn

if TYPE_CHECKING:
    from collections.abc import Mapping

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ServerRoute:
    """The way to one server. `url` can be shown.

    `proxy` is the proxy's URL, without credentials, `proxy_variable` the variable that names it, and
    `proxy_authorization` what it wants to hear. `ca_file` is the CA file that is used for TLS, `ca_variable` the
    variable that names it. Each is empty if there is none. `exposes`: credentials go there that others can read.
    """

    url: str
    tls: bool
    host: str
    port: int
    proxy: str = ""
    proxy_variable: str = ""
    proxy_authorization: str = field(default="", repr=False)
    ca_variable: str = ""
    ca_file: str = ""
    exposes: bool = False


def first_route(url: str, environment: Mapping[str, str]) -> ServerRoute | None:
    """The way to the server that a store asks first: its sign-in, or itself; None: it has no server.

    Raises:
        UsageError: The environment is invalid.
    """
    scheme = urlsplit(url).scheme
    if scheme == "swift":
        return route_to(Credentials.from_environment(environment).auth.url, environment, credentials=True)
    return route_to(url, environment, credentials="@" in urlsplit(url).netloc) if scheme in _PORTS else None


def route_to(url: str, environment: Mapping[str, str], *, credentials: bool) -> ServerRoute:
    """The way to the server of an http(s) URL; `credentials`: they go along.

    Raises:
        UsageError: A proxy variable cannot be used.
    """
    parts = urlsplit(url)
    proxy = Proxies(environment).proxy_for(url)
    ca_variable = next((name for name in CA_VARIABLES if environment.get(name)), "")
    return ServerRoute(
        url=shown_url(url),
        tls=parts.scheme == "https",
        host=parts.hostname or "",
        port=parts.port or _PORTS[parts.scheme],
        proxy=proxy.endpoint.url if proxy else "",
        proxy_variable=proxy.variable if proxy else "",
        proxy_authorization=proxy.endpoint.authorization if proxy else "",
        ca_variable=ca_variable,
        ca_file=environment.get(ca_variable, ""),
        exposes=credentials and is_in_clear(url),
    )


async def sign_in(url: str, environment: Mapping[str, str], *, stall: float) -> str:
    """Sign in to a `swift://` store, once; the URL of its account. A server that is silent for `stall` seconds failed.

    Raises:
        UsageError: The environment is invalid.
        StoreDeniedError: The credentials are not accepted.
        StoreError: The server could not be asked.
    """
    session = HttpSession(shown_url(url), environment=environment, stall=stall)
    try:
        return (await SignIn(Credentials.from_environment(environment), session).account()).storage.url
    finally:
        await session.close()
