"""Is there room on this host's link that peers do not fill? Only then is a second copy from the store worth its cost.

Nobody tells a host what its link carries, but it has seen what it took at its best. When everything has left the store
once and peers alone give clearly less than that, their upload is what is scarce, and the store can add to it; when they
give about as much, a draw would only push out what they bring.
"""

from __future__ import annotations

import math

_BEGIN = 0.8
"""Share of the best rate below which there is room."""

_END = 0.95
"""Share of the best rate from which on there is none, when peers alone give it."""

_MEMORY = 120.0
"""Seconds until a best rate that is not reached again has faded by 63 %: links change."""


class Room:
    """Follows the rate at which a host takes bytes from all sources together (bytes a second)."""

    def __init__(self, *, settle: float) -> None:
        """`settle`: seconds that a rate must be low before it is believed."""
        self._settle = settle
        self._best = 0.0
        self._at: float | None = None
        self._low_since: float | None = None
        self._open = False

    def observed(self, rate: float, *, peers: float, now: float) -> None:
        """The host takes `rate` bytes a second now, `peers` of it from peers.

        `rate` is that of all bytes counted together: rates of store and peers lag, and while one takes over from the
        other their sum is a third above what the link carries. As the best rate it would never be reached again.
        """
        if self._at is not None:
            self._best *= math.exp(-(now - self._at) / _MEMORY)
        self._at = now
        self._best = max(self._best, rate)
        # Once open, what the store adds does not close it: only peers that fill the link by themselves do.
        if (peers if self._open else rate) >= self._best * (_END if self._open else _BEGIN):
            self._low_since = None
            self._open = False
        elif self._low_since is None:
            self._low_since = now
        self._open = self._low_since is not None and now - self._low_since >= self._settle

    @property
    def best(self) -> float:
        """Bytes a second that the link has carried, lately."""
        return self._best

    @property
    def open(self) -> bool:
        """Whether the link has room."""
        return self._open
