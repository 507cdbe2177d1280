"""aiohttp's exceptions as errors of dcdist: the one place that tells them apart and decides what is tried again."""

from __future__ import annotations

import aiohttp

from dcdist.errors import ShortBodyError, StoreDeniedError, StoreError, StoreUnavailableError
from dcdist.store.shown_url import shown_url

TRANSPORT_ERRORS = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
"""What a request or the reading of its body may raise, besides bugs and cancellation. ValueError: a URL or a header
that cannot be sent, such as a host name that DNS does not allow."""


def transport_error(
    error: Exception, *, what: str, store: str, key: str, stall: float, url: str = "", via: str = ""
) -> StoreError:
    """The error for one of TRANSPORT_ERRORS.

    `stall` is the bound on silence, in seconds, `url` what was asked, `via` the proxy in between, in words.
    """
    found = _error(error, what=what, store=store, key=key, stall=stall)
    if url:
        found.args = (f"{found} ({asked(url, via)})",)
    return found


def asked(url: str, via: str) -> str:
    """What was asked, and through which proxy, as a message shows it."""
    return f"{shown_url(url)} through {via}" if via else shown_url(url)


def _error(error: Exception, *, what: str, store: str, key: str, stall: float) -> StoreError:
    place = f"{store}: {what}"
    match error:
        case aiohttp.ConnectionTimeoutError():
            return _unavailable(f"{place}: no connection within {stall:g} s", store, key)
        case TimeoutError():
            return _unavailable(f"{place}: stalled, no byte for {stall:g} s", store, key)
        case aiohttp.ClientPayloadError() if "ConnectionResetError" not in str(error):
            return ShortBodyError(f"{place}: the body ended early", store=store, key=key)
        case aiohttp.ClientHttpProxyError(status=407):
            return StoreDeniedError(
                f"{place}: the proxy wants credentials; put them in the proxy variable: http://user:password@host:port",
                store=store,
                key=key,
            )
        case aiohttp.ClientHttpProxyError(status=403):
            return StoreDeniedError(
                f"{place}: the proxy does not allow this; have it allow the store, or name the store in no_proxy",
                store=store,
                key=key,
            )
        case aiohttp.ClientHttpProxyError():
            return _unavailable(f"{place}: the proxy answered {error.status} to CONNECT", store, key)
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return StoreError(
                f"{place}: the server's certificate is not accepted ({error}); if it is signed by a CA of your own, "
                "name the CA's file in SSL_CERT_FILE",
                store=store,
                key=key,
            )
        case aiohttp.ClientConnectorDNSError():
            # Tried again, also where there is no such name: a host that boots may not reach its name server yet.
            return _unavailable(f"{place}: the host name cannot be resolved ({error})", store, key)
        case ValueError():
            return StoreError(f"{place}: it cannot be asked for ({_reason(error)[:200]})", store=store, key=key)
        case _:
            return _unavailable(f"{place}: the connection failed ({_reason(error)})", store, key)


def _unavailable(message: str, store: str, key: str) -> StoreUnavailableError:
    return StoreUnavailableError(message, store=store, key=key)


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        # Its text has the URL, whose query may be a signature.
        return error.message[:200] or type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.strerror:
        # Its text speaks of aiohttp's own settings ("ssl:default").
        return f"{error.host}:{error.port}: {error.os_error.strerror}"
    return str(error)[:300] or type(error).__name__
