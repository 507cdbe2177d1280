"""What became of the dials to each host that is to be linked with: it answers, or has been silent since when, and why.

A host is dialled, and silent, from the moment at which libtorrent was told to link with it: when the dial itself begins
is not reported, only how a connection ended. So a host that answered is silent again once a dial ends before there was
a connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import libtorrent as lt

if TYPE_CHECKING:
    from dcdist.model.identity import Address

_TIMED_OUT = "timed out"


@dataclass(slots=True)
class _Dialled:
    silent_since: float | None
    failure: str = ""


class Dials:
    """The dials to hosts, by the endpoints that were dialled; times are those of the caller's clock, in seconds."""

    def __init__(self) -> None:
        self._dialled: dict[Address, _Dialled] = {}

    def began(self, endpoint: Address, *, now: float) -> None:
        """A host is to be linked with; it counts as silent from the first time on that libtorrent is told so."""
        self._dialled.setdefault(endpoint, _Dialled(now))

    def ended(self, alert: lt.peer_disconnected_alert, *, now: float) -> bool:
        """A connection ended, or a dial did before there was one; whether the host hung up on us."""
        dialled = self._dialled.get(alert.endpoint)
        if dialled is None:
            return False
        reason = alert.error.message()
        if alert.op == lt.operation_t.connect or reason.startswith(_TIMED_OUT):
            dialled.failure = reason.partition(":")[0].lower()
            if dialled.silent_since is None:
                dialled.silent_since = now
            return False
        # Someone closed a connection that there was; a host does so that trades no layer of this one, or does not know
        # this host yet.
        self.answered(alert.endpoint)
        return bool(alert.pid.is_all_zeros())

    def answered(self, endpoint: Address) -> None:
        """There is, or was just now, a connection to this endpoint."""
        dialled = self._dialled.get(endpoint)
        if dialled is not None:
            dialled.silent_since, dialled.failure = None, ""

    def forget(self, endpoint: Address) -> None:
        """A host is dialled no more."""
        self._dialled.pop(endpoint, None)

    def silence(self, endpoint: Address) -> tuple[float | None, str]:
        """Since when a host has been silent, None if it was not dialled or answered last; and why its dial failed."""
        dialled = self._dialled.get(endpoint)
        return (None, "") if dialled is None else (dialled.silent_since, dialled.failure)
