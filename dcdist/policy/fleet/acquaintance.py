"""When does a host know those that began when it did, and so when does it begin to draw? It meets them first.

Connections that are made before links are full measure their true round trip, and the kernel sends larger packets over
them, for which fewer acknowledgements come back through the links of those who send; and what others begin now is known
before it is drawn. Invariant: no host waits for longer than `_MEETING` after its first look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcdist.model.identity import HostId

ACQUAINTED_AFTER = 1.0
"""Seconds after which a host assumes that it knows those that began when it did, whatever its looks showed."""

_MEETING = 0.5
"""Seconds after the first look at which a host begins to draw even if each look shows hosts that are new."""

_QUIET = 0.1
"""Seconds after the last newcomer, or the first look, before a look that shows nobody new says that all are here. A
host that has some layers already changes its heartbeat as soon as it knows, and looks again at once: too soon for those
that began with it."""


class Acquaintance:
    """What the looks of one host tell about who begins with it."""

    def __init__(self, at_latest: float) -> None:
        """`at_latest`: by this time hosts that begin together know each other, whatever the looks show."""
        self._met: set[HostId] = set()
        self._known_from = at_latest
        self._new_at: float | None = None

    @property
    def known_from(self) -> float:
        """When the others are known, and this host may begin to draw, unless a look before that shows nobody new."""
        return self._known_from

    def looked(self, joined: Iterable[HostId], *, now: float) -> None:
        """A look ended; `joined`: who was not known before, or has changed."""
        new = set(joined) - self._met
        self._met |= new
        if self._new_at is None:
            self._known_from = min(self._known_from, now + _MEETING)
            self._new_at = now
        elif new:
            self._new_at = now
        elif now - self._new_at >= _QUIET:
            self._known_from = min(self._known_from, now)
