"""aiohttp's exceptions as errors of dcdist: the one place where they are told apart."""

from __future__ import annotations

import aiohttp

from dcdist.errors import ShortBodyError, StoreDeniedError, StoreError, StoreUnavailableError, UsageError
from dcdist.store.http.shown_url import shown_url

TRANSPORT_ERRORS = (aiohttp.ClientError, TimeoutError, OSError)
"""What a request or the reading of its body may raise, besides bugs and cancellation."""


def transport_error(
    error: Exception, *, what: str, store: str, key: str, stall: float, url: str = ""
) -> StoreError | UsageError:
    """The error for one of TRANSPORT_ERRORS; `stall` is the bound on silence, in seconds, `url` what was asked."""
    found = _error(error, what=what, store=store, key=key, stall=stall)
    if url:
        found.args = (f"{found} ({shown_url(url)})",)
    return found


def _error(error: Exception, *, what: str, store: str, key: str, stall: float) -> StoreError | UsageError:
    place = f"{store}: {what}"
    match error:
        case aiohttp.InvalidURL():
            return UsageError(f"{place}: the URL is invalid: {error}")
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
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return StoreError(
                f"{place}: the server's certificate is not accepted ({error}); if it is signed by a CA of your own, "
                "name the CA's file in SSL_CERT_FILE",
                store=store,
                key=key,
            )
        case aiohttp.ClientConnectorDNSError():
            return _unavailable(f"{place}: the host name cannot be resolved ({error})", store, key)
        case aiohttp.TooManyRedirects():
            return StoreError(f"{place}: redirected in circles", store=store, key=key)
        case _:
            return _unavailable(f"{place}: the connection failed ({_reason(error)})", store, key)


def _unavailable(message: str, store: str, key: str) -> StoreUnavailableError:
    return StoreUnavailableError(message, store=store, key=key)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
