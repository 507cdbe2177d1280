"""Looks at the way to the store's servers: proxies, and certificates as each server shows them."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dcdist.checkup.findings import server_findings
from dcdist.checkup.findings.server_findings import CertificateSeen, RouteSeen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dcdist.checkup.findings.finding import Finding
    from dcdist.store.servers import ServerRoute

_SECONDS = 4.0


def check_proxies(routes: Sequence[ServerRoute]) -> Finding:
    """Say how each server is reached."""
    return server_findings.of_routes([RouteSeen(route.url, route.proxy, route.proxy_variable) for route in routes])


async def check_certificates(routes: Sequence[ServerRoute]) -> Finding:
    """Read the certificate of each server that is asked over TLS."""
    over_tls = {(route.host, route.port): route for route in routes if route.tls}
    if not over_tls:
        return server_findings.no_tls(is_directory=not routes)
    read = await asyncio.gather(*(asyncio.to_thread(_certificate, route) for route in over_tls.values()))
    return server_findings.of_certificates([each for each in read if each is not None], time.time_ns() / 1e9)


def _certificate(route: ServerRoute) -> CertificateSeen | None:
    """What the server shows; None: there is no connection to it, as other checks say."""
    authorities = f"{route.ca_variable}={route.ca_file}" if route.ca_file else "the CAs of this system"
    server = f"{route.host}:{route.port}"
    try:
        found = _peer_certificate(route)
    except ssl.SSLCertVerificationError as error:
        return CertificateSeen(server, authorities=authorities, refusal=error.verify_message)
    except ssl.SSLError as error:
        return CertificateSeen(server, authorities=authorities, refusal=f"TLS failed: {error.reason or error}")
    except (OSError, http.client.HTTPException):
        return None
    issuer = _names(found.get("issuer"))
    shown = issuer.get("organizationName") or issuer.get("commonName") or "an unnamed CA"
    until = str(found["notAfter"])
    return CertificateSeen(server, ssl.cert_time_to_seconds(until), until, shown, authorities)


def _peer_certificate(route: ServerRoute) -> Mapping[str, object]:
    context = ssl.create_default_context(cafile=route.ca_file or None)
    proxy = urlsplit(route.proxy)
    place = (proxy.hostname or "", proxy.port or 80) if route.proxy else (route.host, route.port)
    connection = http.client.HTTPSConnection(*place, timeout=_SECONDS, context=context)
    if route.proxy:
        authorization = {"Proxy-Authorization": route.proxy_authorization} if route.proxy_authorization else {}
        connection.set_tunnel(route.host, route.port, headers=authorization)
    try:
        connection.connect()
        return connection.sock.getpeercert() or {}
    finally:
        connection.close()


def _names(issuer: object) -> dict[str, str]:
    """The parts of a distinguished name, as `getpeercert` gives it."""
    if not isinstance(issuer, tuple):
        return {}
    return {str(pair[0]): str(pair[1]) for part in issuer for pair in part}
