"""Starts writing to the disk early, so that the final sync has little to do.

By itself, the kernel keeps up to a tenth of the memory unwritten. Measured for 1 GiB that arrives at 120 MiB/s in
random order: the final fsync takes 0.35 s without and 0.01 s with this, and the CPU time is the same.
"""

from __future__ import annotations

import ctypes

from dcdist.model.geometry import MIB

_INTERVAL = 32 * MIB
_START_WRITING = 2  # SYNC_FILE_RANGE_WRITE

_sync_file_range = getattr(ctypes.CDLL(None), "sync_file_range", None)
if _sync_file_range is not None:
    _sync_file_range.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]


class EarlyWriteback:
    """Counts the bytes written to one file, from any thread."""

    def __init__(self) -> None:
        self._unstarted = 0

    def wrote(self, descriptor: int, count: int) -> None:
        """Count `count` more written bytes; may block for some milliseconds, longer if the disk is behind."""
        self._unstarted += count  # threads may lose a sum: then writing starts a little later
        if self._unstarted >= _INTERVAL and _sync_file_range is not None:
            self._unstarted = 0
            # A hint: if it fails, the sync at the end does all.
            _sync_file_range(descriptor, 0, 0, _START_WRITING)
