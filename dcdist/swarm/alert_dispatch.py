"""Hands each alert of libtorrent to what it concerns: a layer, the links, the counters, or the session.

Invariant: alerts are handled in their order. When libtorrent dropped alerts, every layer asks for what it missed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.swarm.libtorrent_errors import disk_error, session_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dcdist.errors import DcdistError
    from dcdist.swarm.counters import Counters
    from dcdist.swarm.injection_limits import InjectionLimits
    from dcdist.swarm.links import Links
    from dcdist.swarm.torrent_layer import TorrentLayer


_SESSION_ERROR = "session_error"
"""The name of an alert that has no class of its own in Python (2.1.1)."""


class AlertDispatch:
    """Takes batches of alerts. `layers` may change between batches; the functions are the session's.

    `broke` is called when a data file cannot be read or written, `failed` when the session itself fails, with a reason.
    """

    def __init__(
        self,
        layers: Mapping[lt.torrent_handle, TorrentLayer],
        *,
        links: Links,
        limits: InjectionLimits,
        counters: Counters,
        added: Callable[[lt.add_torrent_alert], None],
        listened: Callable[[lt.listen_succeeded_alert | lt.listen_failed_alert], None],
        failed: Callable[[str], None],
        broke: Callable[[DcdistError], None],
    ) -> None:
        self._layers = layers
        self._links = links
        self._limits = limits
        self._counters = counters
        self._added = added
        self._listened = listened
        self._failed = failed
        self._clock = asyncio.get_running_loop().time
        self._broke = broke

    def take(self, alerts: list[lt.alert]) -> None:
        """Handle a batch, then begin flushes if they are due."""
        for alert in alerts:
            match alert:
                case lt.peer_blocked_alert():
                    self._refused(alert)
                case lt.torrent_alert():
                    self._take_of_torrent(alert)
                case lt.session_stats_alert():
                    self._counters.take(alert.values, injected_wrong=self._limits.wrong)
                case lt.listen_succeeded_alert() | lt.listen_failed_alert():
                    self._listened(alert)
                case lt.alerts_dropped_alert():
                    self._catch_up()
                case _ if alert.what() == _SESSION_ERROR:
                    self._failed(session_failure(alert))
                case _:
                    pass
        if self._limits.flush_due:
            for layer in self._layers.values():
                layer.settle()

    def _take_of_torrent(self, alert: lt.torrent_alert) -> None:
        if isinstance(alert, lt.add_torrent_alert):
            self._added(alert)
            return
        layer = self._layers.get(alert.handle)
        if layer is None:
            return
        match alert:
            case lt.piece_finished_alert():
                layer.passed(alert.piece_index)
                self._counters.ask()
            case lt.hash_failed_alert():
                layer.failed(alert.piece_index)
            case lt.cache_flushed_alert():
                layer.flushed()
            case lt.piece_availability_alert():
                layer.seen(alert.piece_availability)
            case lt.peer_connect_alert():
                self._links.came(alert.handle)
            case lt.peer_disconnected_alert():
                self._links.lost(alert, now=self._clock())
                layer.cut_off(alert)
            case lt.file_error_alert():
                self._broke(disk_error(alert))
            case _:
                pass

    def _refused(self, alert: lt.peer_blocked_alert) -> None:
        # With a layer, it is what a peer would have us dial, or a link that a new filter cut.
        if not alert.handle.is_valid() and alert.reason == lt.reason_t.ip_filter:
            self._links.admission.knocked(alert.endpoint[0], now=self._clock())

    def _catch_up(self) -> None:
        for handle, layer in self._layers.items():
            layer.catch_up()
            self._links.came(handle)
