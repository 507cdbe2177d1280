"""Keeps the buffers of pieces and frames in the heap of a process that fetches.

By default glibc maps each large buffer and unmaps it again, and every page is paid for with a fault: about half of the
CPU of reading from a store, and two thirds of that of handing a piece to libtorrent. What is kept is bounded.
"""

from __future__ import annotations

import ctypes
from functools import cache

from dcdist.model.geometry import MIB

_TRIM_THRESHOLD = -1
_TOP_PAD = -2
_MAP_THRESHOLD = -3


@cache
def keep_buffers() -> None:
    """Set up the allocator of this process, once. Elsewhere than on glibc nothing happens."""
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        allocator.mallopt(_MAP_THRESHOLD, 32 * MIB)
        allocator.mallopt(_TRIM_THRESHOLD, 128 * MIB)
        allocator.mallopt(_TOP_PAD, 16 * MIB)
