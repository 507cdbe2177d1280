"""Which proxy a request goes through, by the usual environment variables. Pure but for the standard library's rules."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Proxies:
    """`http_proxy`, `https_proxy` and `no_proxy`, in small letters (these win) or in capitals."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Read the variables.

        Raises:
            UsageError: A proxy's URL is of a kind that cannot be used.
        """
        self._proxies: dict[str, str] = {}
        for scheme in ("http", "https", "no"):
            name = f"{scheme}_proxy"
            value = environment.get(name) or environment.get(name.upper())
            if value:
                self._proxies[scheme] = value if scheme == "no" else _proxy_url(value, name=name)

    def proxy_for(self, url: str) -> str | None:
        """The URL of the proxy for requests to `url`; None: go there directly."""
        target = urlsplit(url)
        proxy = self._proxies.get(target.scheme)
        if proxy is None or proxy_bypass(target.netloc.rpartition("@")[2], self._proxies):
            return None
        return proxy


def _proxy_url(value: str, *, name: str) -> str:
    """`value` as a URL; a bare host:port is an HTTP proxy, as other programs read it."""
    url = value if "://" in value else f"http://{value}"
    if urlsplit(url).scheme not in {"http", "https"}:
        raise UsageError(f"{name} names a proxy that is neither http:// nor https://; unset it or use such a proxy")
    return url
