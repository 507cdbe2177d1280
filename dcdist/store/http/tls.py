"""Which certificates are trusted: those of a CA file that an option or a variable names, else those of the system."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

from dcdist.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Certificates:
    """The CA file of one store: `ca_file` (PEM), else that of the first variable which is set."""

    def __init__(self, environment: Mapping[str, str], ca_file: Path | None) -> None:
        """Note the file; it is read when TLS is first used."""
        variable = next((name for name in CA_VARIABLES if environment.get(name)), "")
        self._variable = "" if ca_file else variable
        self._file = str(ca_file) if ca_file else environment.get(variable)
        self._context: ssl.SSLContext | None = None

    async def context(self, url: str) -> ssl.SSLContext | bool:
        """What a request to `url` takes for `ssl`.

        Raises:
            UsageError: The CA file cannot be used.
        """
        if not url.startswith("https:"):
            return True
        if self._context is None:
            self._context = await asyncio.to_thread(self._read)
        return self._context

    def _read(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._file)
        except (OSError, ValueError) as error:
            named = f" of {self._variable}" if self._variable else ""
            raise UsageError(
                f"the CA file {self._file!r}{named} cannot be used: {error}; name a PEM file with certificates"
            ) from error
