"""Certificates for servers of tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.lab.certificates import make_certificate

if TYPE_CHECKING:
    import ssl
    from pathlib import Path


def self_signed(folder: Path, *, days: float = 36_500) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself: its PEM file, and a server's context with it.

    It is valid for so many days from the beginning of 2020.
    """
    return folder / "ca.pem", make_certificate(folder, "ca", days=days)
