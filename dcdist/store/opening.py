"""From a URL to a store: which adapter, and with what settings. Only that adapter is imported: aiohttp takes long."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

from dcdist.errors import UsageError
from dcdist.store.object_keys import is_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dcdist.ports.store import Store
    from dcdist.store.directory.directory_store import DirectoryStore
    from dcdist.store.http.readonly_http import ReadonlyHttpStore
    from dcdist.store.swift.swift_store import SwiftStore

STALL = 10.0
"""Seconds without a byte after which a transfer counts as stalled."""

_EXAMPLES = "file:///srv/dcdist, swift://container/prefix or https://host/path"


@asynccontextmanager
async def open_store(
    url: str, *, environment: Mapping[str, str], ca_file: Path | None = None, stall: float = STALL
) -> AsyncIterator[Store]:
    """The store at `url`, closed when the block ends. It tries nothing again; see `Retrying`.

    `file:///path` is a directory; `swift://container/prefix` is in the Swift that `ST_AUTH`, `ST_USER` and `ST_KEY` of
    `environment` name; `http(s)://host/path` is any web server that knows ranges, for reading only. Of `environment`,
    `http_proxy`, `https_proxy`, `no_proxy` and, after `ca_file` (PEM), `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` and
    `CURL_CA_BUNDLE` count too. A transfer without a byte for `stall` seconds has failed.

    Raises:
        UsageError: The URL is of no such form, or a variable is missing or makes no sense.
    """
    store = _store(url, environment, ca_file, stall)
    try:
        yield store
    finally:
        await store.close()


def _store(url: str, environment: Mapping[str, str], ca_file: Path | None, stall: float) -> Store:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"store {url!r} is no URL ({error}); write {_EXAMPLES}") from error
    if parts.query or parts.fragment:
        raise UsageError(f"store {url!r} has a '?' or '#'; write {_EXAMPLES}")
    if parts.scheme == "file":
        return _directory(url, parts)
    if parts.scheme == "swift":
        return _swift(url, parts, environment, ca_file, stall)
    if parts.scheme in {"http", "https"} and parts.hostname:
        return _readonly(parts, port, environment, ca_file, stall)
    raise UsageError(f"store {url!r} is of no kind that is known; write {_EXAMPLES}")


def _directory(url: str, parts: SplitResult) -> DirectoryStore:
    path = Path(unquote(parts.path))
    if parts.netloc not in {"", "localhost"} or not path.is_absolute() or ".." in path.parts:
        raise UsageError(f"store {url!r} is no directory of this host; write file:///srv/dcdist, with three slashes")
    from dcdist.store.directory.directory_store import DirectoryStore

    return DirectoryStore(path)


def _readonly(
    parts: SplitResult, port: int | None, environment: Mapping[str, str], ca_file: Path | None, stall: float
) -> ReadonlyHttpStore:
    from dcdist.store.http.http_session import HttpSession
    from dcdist.store.http.readonly_http import ReadonlyHttpStore

    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    path = parts.path.rstrip("/")
    # Credentials in a URL are used, but stand in no message.
    name = f"{parts.scheme}://{host}" + (f":{port}" if port else "") + path
    session = HttpSession(name, environment=environment, ca_file=ca_file, stall=stall)
    return ReadonlyHttpStore(f"{parts.scheme}://{parts.netloc}{path}", session)


def _swift(
    url: str, parts: SplitResult, environment: Mapping[str, str], ca_file: Path | None, stall: float
) -> SwiftStore:
    from dcdist.store.http.http_session import HttpSession
    from dcdist.store.swift.swift_sign_in import Credentials
    from dcdist.store.swift.swift_store import SwiftStore

    container, prefix = parts.netloc, parts.path.strip("/")
    if not is_key(container) or (prefix and not is_key(prefix)):
        raise UsageError(
            f"store {url!r} names no container and prefix; write swift://container/prefix, of letters, digits, "
            "'.', '_', '-' and '/'"
        )
    credentials = Credentials.from_environment(environment)
    name = f"swift://{container}" + (f"/{prefix}" if prefix else "")
    session = HttpSession(name, environment=environment, ca_file=ca_file, stall=stall)
    return SwiftStore(container, prefix, credentials=credentials, session=session)
