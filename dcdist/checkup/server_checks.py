"""Looks at the way to the store's servers: proxies, and certificates as each server shows them."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dcdist.checkup.findings import server_findings
from dcdist.checkup.findings.server_findings import CertificateSeen, RouteSeen
from dcdist.tasks import in_parallel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from dcdist.checkup.findings.finding import Finding
    from dcdist.store.servers import ServerRoute

_SECONDS = 4.0


def check_proxies(routes: Sequence[ServerRoute]) -> Finding:
    """Say how each server is reached."""
    return server_findings.of_routes([RouteSeen(route.url, route.proxy, route.proxy_variable) for route in routes])


async def check_certificates(routes: Sequence[ServerRoute]) -> Finding:
    """Read the certificate of each server that is asked over TLS."""
    exposed = [route.url for route in routes if route.exposes]
    if exposed:
        return server_findings.in_clear(exposed)
    over_tls = {(route.host, route.port): route for route in routes if route.tls}
    if not over_tls:
        return server_findings.no_tls(is_directory=not routes)
    read = await in_parallel([partial(_certificate, route) for route in over_tls.values()], limit=len(over_tls))
    return server_findings.of_certificates([each for each in read if each is not None], time.time_ns() / 1e9)


async def _certificate(route: ServerRoute) -> CertificateSeen | None:
    """What the server shows; None: there is no connection to it, as other checks say."""
    authorities = f"{route.ca_variable}={route.ca_file}" if route.ca_file else "the CAs of this system"
    server = f"{route.host}:{route.port}"
    party = f"the proxy {route.proxy}" if route.proxy else server
    try:
        context = await asyncio.to_thread(ssl.create_default_context, cafile=route.ca_file or None)
        async with asyncio.timeout(_SECONDS), _way_to(route, context) as writer:
            party = server
            await writer.start_tls(context, server_hostname=route.host)
            found: Mapping[str, object] = writer.get_extra_info("peercert")
    except ssl.SSLCertVerificationError as error:
        return CertificateSeen(party, authorities=authorities, refusal=error.verify_message)
    except ssl.SSLError as error:
        return CertificateSeen(party, authorities=authorities, refusal=f"TLS failed: {error.reason or error}")
    except (OSError, EOFError, asyncio.LimitOverrunError):
        return None
    issuer = _names(found.get("issuer"))
    shown = issuer.get("organizationName") or issuer.get("commonName") or "an unnamed CA"
    until = str(found["notAfter"])
    return CertificateSeen(server, ssl.cert_time_to_seconds(until), until, shown, authorities)


@asynccontextmanager
async def _way_to(route: ServerRoute, context: ssl.SSLContext) -> AsyncIterator[asyncio.StreamWriter]:
    """A connection on which TLS with the server can begin: to it, or through its proxy, which may want TLS itself."""
    proxy = urlsplit(route.proxy)
    if not route.proxy:
        reader, writer = await asyncio.open_connection(route.host, route.port)
    elif proxy.scheme == "https":
        # The password for the proxy is sent on this connection, as readable as the connection is.
        reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port or 443, ssl=context)
    else:
        reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port or 80)
    try:
        if route.proxy:
            writer.write(_tunnel_request(route))
            answer = await reader.readuntil(b"\r\n\r\n")
            if not re.match(rb"HTTP/1\.\d 2", answer):
                raise ConnectionRefusedError("the proxy makes no connection")
        yield writer
    finally:
        # Not closed with a word to the other side: nobody waits for its answer.
        writer.transport.abort()


def _tunnel_request(route: ServerRoute) -> bytes:
    """Asks a proxy for a connection to the server (RFC 9110, section 9.3.6)."""
    place = f"[{route.host}]:{route.port}" if ":" in route.host else f"{route.host}:{route.port}"
    lines = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if route.proxy_authorization:
        lines.append(f"Proxy-Authorization: {route.proxy_authorization}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _names(issuer: object) -> dict[str, str]:
    """The parts of a distinguished name, as `getpeercert` gives it."""
    if not isinstance(issuer, tuple):
        return {}
    return {str(pair[0]): str(pair[1]) for part in issuer for pair in part}
