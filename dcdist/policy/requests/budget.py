"""How should one bound on what a host takes be shared between the store and its peers?

Each may use what it gives now, and half of what neither gives; neither is ever starved, so that it can show what it
would give.
"""

from __future__ import annotations

_LEAST = 0.1


def split(bound: float, *, store: float, peers: float) -> tuple[float, float]:
    """(limit for the store, limit for peers) in bytes a second, when they give `store` and `peers` now."""
    slack = (bound - store - peers) / 2
    least = bound * _LEAST
    return max(least, min(bound, store + slack)), max(least, min(bound, peers + slack))
