"""From a URL to a store: which adapter, with which settings. Only that adapter is imported: aiohttp takes long."""

from __future__ import annotations

import os
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from dcdist.errors import UsageError
from dcdist.store.object_keys import is_key
from dcdist.store.remarks import Remarks
from dcdist.store.shown_url import shown_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from dcdist.model.trouble import Troubled
    from dcdist.ports.store import Store
    from dcdist.store.http.http_session import HttpSession

STALL = 10.0
"""Seconds without a byte after which a transfer counts as stalled."""

_EXAMPLES = "file:///srv/dcdist, swift://container/prefix or https://host/path"


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """What a store takes besides its URL.

    `environment` has credentials, proxies and CA files; `ca_file` (PEM) goes before those. A transfer without a byte
    for `stall` seconds has failed. `report` is told once of each thing that the store lacks.
    """

    environment: Mapping[str, str]
    ca_file: Path | None = None
    stall: float = STALL
    report: Callable[[Troubled], None] | None = None

    def session_for(self, name: str) -> HttpSession:
        """A session for the store that is called `name` in messages.

        Raises:
            UsageError: A proxy variable cannot be used.
        """
        from dcdist.store.http.http_session import HttpSession

        return HttpSession(
            name,
            environment=self.environment,
            ca_file=self.ca_file,
            stall=self.stall,
            remarks=Remarks(self.report),
        )


@asynccontextmanager
async def open_store(
    url: str,
    *,
    environment: Mapping[str, str],
    ca_file: Path | None = None,
    stall: float = STALL,
    report: Callable[[Troubled], None] | None = None,
) -> AsyncIterator[Store]:
    """The store at `url`, closed when the block ends. It tries nothing again; see `Retrying`.

    `file:///path` is a directory; `swift://container/prefix` is in the Swift that `ST_AUTH`, `ST_USER` and `ST_KEY` of
    `environment` name (`ST_STORAGE_URL` goes before the storage URL of the sign-in); `http(s)://host/path` is any web
    server that knows ranges, for reading only. Of `environment`, `http_proxy`, `https_proxy`, `no_proxy` and, after
    `ca_file` (PEM), `SSL_CERT_FILE`, `REQUESTS_CA_BUNDLE` and `CURL_CA_BUNDLE` count too. A transfer without a byte for
    `stall` seconds has failed. `report` is told once of each thing that the store lacks.

    Raises:
        UsageError: The URL has no such form, or a variable is missing or invalid.
    """
    store = _store(url, StoreSettings(environment, ca_file, stall, report))
    try:
        yield store
    finally:
        await store.close()


def _store(url: str, settings: StoreSettings) -> Store:
    shown = shown_url(url)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UsageError(f"store {shown!r} is not a URL; write {_EXAMPLES}") from None
    if re.search(r"[\x00-\x1f\x7f]", url):
        raise UsageError(f"store {shown!r} has a line end or another control character; write {_EXAMPLES}")
    if parts.query or parts.fragment:
        raise UsageError(f"store {shown!r} goes on with a '?' or '#'; write {_EXAMPLES}")
    opener = OPENERS.get(parts.scheme)
    if opener is None:
        raise UsageError(f"store {shown!r} is of an unknown kind; write {_EXAMPLES}")
    return opener(url, parts, settings)


def _directory(url: str, parts: SplitResult, settings: StoreSettings) -> Store:
    # Names of files are bytes: %FF is the byte 255, as in what `Path.as_uri` writes.
    path = Path(os.fsdecode(unquote_to_bytes(os.fsencode(parts.path))))
    if parts.netloc not in {"", "localhost"} or not path.is_absolute() or ".." in path.parts:
        raise UsageError(
            f"store {shown_url(url)!r} is not a directory of this host; write file:///srv/dcdist, with three slashes"
        )
    from dcdist.store.directory.directory_store import DirectoryStore

    return DirectoryStore(path, Remarks(settings.report))


def _readonly(url: str, _: SplitResult, settings: StoreSettings) -> Store:
    from dcdist.store.http.endpoint import Endpoint
    from dcdist.store.http.readonly_http import ReadonlyHttpStore

    try:
        # Credentials in a URL are used, but stand in no message.
        base = Endpoint.parse(url.rstrip("/"))
    except ValueError as error:
        raise UsageError(f"store {shown_url(url)!r}: {error}; write {_EXAMPLES}") from None
    return ReadonlyHttpStore(base, settings.session_for(base.url))


def _swift(url: str, parts: SplitResult, settings: StoreSettings) -> Store:
    container, prefix = parts.netloc, parts.path.strip("/")
    if not is_key(container) or (prefix and not is_key(prefix)):
        raise UsageError(
            f"store {shown_url(url)!r} is invalid; write swift://container, or "
            "swift://container/prefix, of letters, digits, '.', '_', '-' and '/'"
        )
    from dcdist.store.swift.swift_sign_in import Credentials
    from dcdist.store.swift.swift_store import SwiftStore

    credentials = Credentials.from_environment(settings.environment)
    name = f"swift://{container}" + (f"/{prefix}" if prefix else "")
    return SwiftStore(container, prefix, credentials=credentials, session=settings.session_for(name))


OPENERS: Final[Mapping[str, Callable[[str, SplitResult, StoreSettings], Store]]] = {
    "file": _directory,
    "swift": _swift,
    "http": _readonly,
    "https": _readonly,
}
"""The kinds of stores by the scheme of their URLs; each checks what its URL says."""
