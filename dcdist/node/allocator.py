"""Keeps the buffers of pieces and frames in the heap of a process that fetches.

By default glibc maps and unmaps each large buffer, and every page costs a fault: about half of the CPU of reading from
a store, and two thirds of that of handing a piece to libtorrent. What is kept is limited.
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
    """Set up the allocator of this process, once. Without glibc this does nothing."""
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        allocator.mallopt(_MAP_THRESHOLD, 32 * MIB)
        allocator.mallopt(_TRIM_THRESHOLD, 128 * MIB)
        allocator.mallopt(_TOP_PAD, 16 * MIB)
