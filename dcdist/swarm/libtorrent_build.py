"""Which libtorrent is loaded."""

from __future__ import annotations

import libtorrent as lt


def libtorrent_version() -> str:
    """Its version, as `2.1.1.0`."""
    return str(lt.__version__)
