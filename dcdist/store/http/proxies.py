"""Which proxy a request goes through, by the usual environment variables. Pure but for the standard library's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dcdist.errors import UsageError
from dcdist.store.http.endpoint import Endpoint
from dcdist.store.http.no_proxy import NoProxy
from dcdist.store.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it."""

    endpoint: Endpoint
    variable: str

    def __str__(self) -> str:
        return f"the proxy {self.endpoint.url} of {self.variable}"


class Proxies:
    """`http_proxy`, `https_proxy` and `no_proxy`, in small letters (these win) or in capitals."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read the variables.

        Raises:
            UsageError: A proxy's URL cannot be used.
        """
        self._proxies: dict[str, Proxy] = {}
        for scheme in ("http", "https"):
            if variable := _first_set(environment, f"{scheme}_proxy"):
                self._proxies[scheme] = Proxy(_endpoint(environment[variable], variable), variable)
        without = _first_set(environment, "no_proxy")
        self._without = NoProxy(environment[without] if without else "")

    def proxy_for(self, url: str) -> Proxy | None:
        """The proxy for requests to `url`; None: go there directly."""
        target = urlsplit(url)
        proxy = self._proxies.get(target.scheme)
        if proxy is None:
            return None
        port = target.port or _DEFAULT_PORTS.get(target.scheme)
        return None if self._without.covers(target.hostname or "", port) else proxy


def _first_set(environment: Mapping[str, str], name: str) -> str:
    """The spelling of the variable that counts; empty if none is set."""
    return next((each for each in (name, name.upper()) if environment.get(each)), "")


def _endpoint(value: str, variable: str) -> Endpoint:
    """The proxy that `value` names; a bare host:port is an HTTP proxy, as other programs read it. It has no path."""
    url = value if "://" in value else f"http://{value}"
    try:
        endpoint = Endpoint.parse(url)
        parts = urlsplit(endpoint.url)
        return Endpoint(f"{parts.scheme}://{parts.netloc}", endpoint.authorization)
    except ValueError as error:
        raise UsageError(
            f"{variable} is {shown_url(url)!r}: {error}; unset it, or write http://proxy.example.com:3128"
        ) from None
