"""How many requests should this host have under way, when others draw at the same time? About sixteen in all.

That many fill any store's link that one host could fill. More only make each slower, and what is under way can be
given to nobody: a piece is passed on when its last byte has come. When most hosts are done with their own work, those
that are not get more: on a host's full link a few requests have a small part beside what its peers send.
"""

from __future__ import annotations

_TOGETHER = 16
"""Requests at once of all who share stripes."""

MOST_REQUESTS = 8
"""Requests at once of one host, whatever the others do."""

_LEAST = 2
"""Requests at once of one host: the next is on its way when one ends."""


def most_requests(drawing: int) -> int:
    """Requests at once for each of so many hosts that have something to draw, this one among them."""
    return min(MOST_REQUESTS, max(_LEAST, _TOGETHER // max(1, drawing)))
