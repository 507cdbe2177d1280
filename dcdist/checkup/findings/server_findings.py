"""What is said of the way to a store's servers: proxies and certificates. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check, failed, ok, skipped, warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dcdist.checkup.findings.finding import Finding

_DAY = 86_400.0
_SOON = 14 * _DAY
"""Seconds before the end of a certificate from which it is a warning."""


@dataclass(frozen=True, slots=True)
class RouteSeen:
    """The way to one server: its URL, the proxy and the variable that names it (both empty: directly)."""

    url: str
    proxy: str = ""
    variable: str = ""


@dataclass(frozen=True, slots=True)
class CertificateSeen:
    """A server's certificate: the server, until when it is valid (seconds since 1970, and in words), who signed it.

    `authorities` are the CAs that it was checked with. `refusal` says why it is not accepted; empty: it is.
    """

    server: str
    ends: float = 0.0
    until: str = ""
    issuer: str = ""
    authorities: str = ""
    refusal: str = ""


def of_routes(routes: Sequence[RouteSeen]) -> Finding:
    """How the store's servers are reached."""
    if not routes:
        return ok(Check.PROXY, "none: the store is a directory")
    told = [
        f"{each.url} by the proxy {each.proxy} ({each.variable})" if each.proxy else f"{each.url} directly"
        for each in routes
    ]
    advice = "unset the variable, or name the server in no_proxy, if the proxy should not be used" if any(
        each.proxy for each in routes
    ) else ""  # fmt: skip
    return ok(Check.PROXY, ", ".join(dict.fromkeys(told)), advice)


def of_certificates(seen: Sequence[CertificateSeen], now: float) -> Finding:
    """The certificates of the servers that are asked over TLS, the worst in front; `now` in seconds since 1970."""
    if not seen:
        return skipped(Check.TLS, "there is no connection to the server")
    refused = [each for each in seen if each.refusal]
    if refused:
        return failed(
            Check.TLS,
            "; ".join(f"{each.server}: {each.refusal} (checked with {each.authorities})" for each in refused),
            "name the file of the CA that signed the certificate in SSL_CERT_FILE, set this host's clock, or have the "
            "server's certificate renewed",
        )
    told = "; ".join(
        f"{each.server}: accepted, valid until {each.until}, signed by {each.issuer} (checked with {each.authorities})"
        for each in seen
    )
    if min(each.ends for each in seen) < now + _SOON:
        return warning(Check.TLS, told, "have the certificate renewed: fetches fail from its last day on")
    return ok(Check.TLS, told)


def in_clear(urls: Sequence[str]) -> Finding:
    """Servers to which credentials go that others can read."""
    return warning(
        Check.TLS,
        f"credentials go unencrypted to {', '.join(dict.fromkeys(urls))}: whoever listens on the way can use them",
        "use https:// in the store's URL, ST_AUTH and ST_STORAGE_URL",
    )


def no_tls(*, is_directory: bool) -> Finding:
    """No server is asked over TLS."""
    if is_directory:
        return ok(Check.TLS, "none: the store is a directory")
    return ok(Check.TLS, "none: what is sent is not encrypted; what a fetch takes is checked by signature and SHA-256")
