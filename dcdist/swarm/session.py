"""The BitTorrent session of a host, with one torrent a layer.

Everything here runs on the event loop; libtorrent works in threads of its own and reports by alerts.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import libtorrent as lt

from dcdist.errors import SwarmError
from dcdist.model.identity import LayerName
from dcdist.policy.link.request_ahead import USUAL, Ahead
from dcdist.ports.swarm import SwarmBroke, SwarmStatistics
from dcdist.swarm.alerts import AlertPump
from dcdist.swarm.injection_limits import InjectionLimits
from dcdist.swarm.libtorrent_errors import disk_error
from dcdist.swarm.links import Links, connect
from dcdist.swarm.listening import Listener
from dcdist.swarm.peers_missing import PeersMissing
from dcdist.swarm.pending_events import PendingEvents
from dcdist.swarm.settings import allow_open_files, peer_classes, session_parameters
from dcdist.swarm.torrent import torrent_parameters
from dcdist.swarm.torrent_layer import TorrentLayer
from dcdist.swarm.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from dcdist.errors import DcdistError
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.swarm import SwarmEvent

_LOOK = 0.25
_RECONNECT = 5.0
_FRESH = 0.05
_FLUSH_LIMIT = 60.0
_COUNT_LIMIT = 1.0


@asynccontextmanager
async def open_swarm(listen: tuple[str, int] | None) -> AsyncIterator[TorrentSwarm]:
    """A session that listens on address and port (0: one that is free), or nowhere; closed at the end.

    Raises:
        SwarmError: It cannot listen there.
    """
    listening = Listener(listen)
    swarm = TorrentSwarm(listening)
    try:
        await listening.wait()
        yield swarm
    finally:
        await swarm.close()


class TorrentSwarm:
    """Implements `Swarm`; made by `open_swarm`."""

    def __init__(self, listening: Listener) -> None:
        allow_open_files()
        self._loop = asyncio.get_running_loop()
        self._listening = listening
        self._layers: dict[lt.torrent_handle, TorrentLayer] = {}
        self._adding: dict[LayerName, tuple[CachedLayer, asyncio.Future[TorrentLayer]]] = {}
        self._inbox = PendingEvents()
        self._intake = InjectionLimits()
        self._links = Links()
        self._lacking = PeersMissing()
        self._ahead = Ahead()
        self._seconds_ahead = USUAL
        self._limits = (0, 0)
        self._moved = Traffic()
        self._to_count: list[asyncio.Future[None]] = []
        self._asked = 0.0
        self._error: DcdistError | None = None
        self._closed = False
        self._session = lt.session(session_parameters(listen=listening.interface, source=listening.source))
        self._session.set_peer_class_filter(peer_classes())
        self._pump = AlertPump(self._session, self._take)
        self._housekeeping = self._loop.create_task(self._keep_house())

    @property
    def port(self) -> int:
        """The listening port; 0 if it does not listen."""
        return self._listening.port

    async def add(self, layer: CachedLayer) -> TorrentLayer:
        """Take part in the swarm of `layer`, offering what it has; its data file is written from here on.

        Raises:
            SwarmError: It is there already, or the session is closed or refused it.
        """
        name = layer.index.layer
        if self._closed or name in self._adding:
            raise SwarmError(f"layer {name} cannot be added: it is there already, or the swarm is closed")
        added: asyncio.Future[TorrentLayer] = self._loop.create_future()
        self._adding[name] = (layer, added)
        self._session.async_add_torrent(torrent_parameters(layer, self._links.endpoints))
        return await added

    def connect(self, address: str, port: int) -> None:
        """Trade with the host there, for all layers present and to come; again whenever the link is lost.

        Raises:
            SwarmError: That is no IP address, or no port.
        """
        endpoint = self._links.want(address, port, own_port=self.port)
        if endpoint and not self._closed:
            for handle in self._layers:
                connect(handle, endpoint)

    def forget(self, address: str, port: int) -> None:
        """Dial the host there no more. A link that there is stays; nothing happens if it was never asked for.

        Raises:
            SwarmError: That is no IP address, or no port.
        """
        self._links.forget(address, port)

    async def events(self) -> Sequence[SwarmEvent]:
        """Wait until something happened and take it: failed pieces first, finished ones as one set for each layer.

        Raises:
            SwarmError: The session is closed, and all was taken.
        """
        return await self._inbox.take()

    def statistics(self) -> SwarmStatistics:
        """What was moved until a moment ago (a quarter of a second at most)."""
        moved = self._moved
        return SwarmStatistics(
            from_peers=moved.received,
            useful=moved.useful,
            to_peers=moved.sent,
            wasted=moved.wasted + self._intake.wasted,
            peers=self._links.now,
            peers_seen=self._links.ever,
        )

    async def latest_statistics(self) -> SwarmStatistics:
        """What was moved until now; if the session does not tell within a second, until a moment ago."""
        # Twice: answers come in order, and the first may be to a question that was asked earlier.
        for _ in range(2):
            if self._closed:
                break
            counted = self._loop.create_future()
            self._to_count.append(counted)
            self._session.post_session_stats()
            await asyncio.wait([counted], timeout=_COUNT_LIMIT)
        self._links.look(self._layers)
        return self.statistics()

    def lacking(self) -> tuple[int, ...]:
        """What each linked host lacks that is not done yet, of the layers it has a link for: bytes, in whole pieces.

        Eight layers are looked at in one go, in turns.
        """
        if self._closed or self._error:
            return ()
        return self._lacking.look({handle: layer.geometry for handle, layer in self._layers.items()})

    def limit(self, *, up: float | None, down: float | None) -> None:
        """Bound the payload rates with all peers together, in bytes a second; None is no bound."""
        limits = (_limit(up), _limit(down))
        if limits != self._limits and not self._closed:
            self._limits = limits
            self._session.apply_settings({"upload_rate_limit": limits[0], "download_rate_limit": limits[1]})

    async def close(self) -> None:
        """Leave the swarm. All finished pieces are in the data files when it returns.

        Raises:
            SwarmError: They could not be written within a minute.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._session.pause()
            if not self._error:
                # With the housekeeping, which asks again when no word of a flush comes.
                await self._flush()
        finally:
            self._housekeeping.cancel()
            await asyncio.wait([self._housekeeping])
            self._end(SwarmError("the swarm is closed"))
            self._inbox.close()
            self._pump.detach()
            self._layers.clear()
            # Last of all: it ends libtorrent's threads, and holds the interpreter until they are gone.
            del self._session
            self._pump.close()

    # Alerts

    def _take(self, alerts: list[lt.alert]) -> None:
        for alert in alerts:
            if isinstance(alert, lt.torrent_alert):
                self._take_of_torrent(alert)
            elif isinstance(alert, lt.session_stats_alert):
                self._count(alert.values)
            elif isinstance(alert, lt.listen_succeeded_alert | lt.listen_failed_alert):
                self._listening.take(alert, self._session)
            elif isinstance(alert, lt.alerts_dropped_alert):
                self._catch_up()
        if self._intake.flush_due:
            for layer in self._layers.values():
                layer.settle()

    def _take_of_torrent(self, alert: lt.torrent_alert) -> None:
        if isinstance(alert, lt.add_torrent_alert):
            self._added(alert)
            return
        layer = self._layers.get(alert.handle)
        if layer is None:
            return
        if isinstance(alert, lt.piece_finished_alert):
            layer.finished(alert.piece_index)
            self._ask()
        elif isinstance(alert, lt.hash_failed_alert):
            layer.spoiled(alert.piece_index)
        elif isinstance(alert, lt.cache_flushed_alert):
            layer.flushed()
        elif isinstance(alert, lt.piece_availability_alert):
            layer.seen(alert.piece_availability)
        elif isinstance(alert, lt.peer_connect_alert):
            self._links.came(alert.handle)
        elif isinstance(alert, lt.peer_disconnected_alert):
            self._links.lost(alert.handle, alert.pid)
            layer.cut_off(alert)
        elif isinstance(alert, lt.file_error_alert):
            self._break(disk_error(alert))

    def _added(self, alert: lt.add_torrent_alert) -> None:
        torrent = alert.params.ti
        if torrent is None:
            return
        layer, added = self._adding[LayerName(torrent.name())]
        if alert.error.value():
            if not added.done():
                added.set_exception(SwarmError(f"layer {torrent.name()} cannot be shared: {alert.error.message()}"))
            return
        ours = TorrentLayer(layer, alert.handle, intake=self._intake, inbox=self._inbox)
        self._layers[alert.handle] = ours
        self._links.came(alert.handle)  # hosts that were dialled with it may be linked by now
        if self._error:
            ours.end(self._error)
        self._links.connect(alert.handle)
        if not added.done():
            added.set_result(ours)

    def _count(self, values: dict[str, int]) -> None:
        self._moved.count(values, injected_wrong=self._intake.wrong)
        waiting, self._to_count = self._to_count, []
        for counted in waiting:
            if not counted.done():
                counted.set_result(None)

    def _ask(self) -> None:
        """Ask for the counters, unless that was done just now."""
        now = self._loop.time()
        if now - self._asked > _FRESH:
            self._asked = now
            self._session.post_session_stats()

    def _catch_up(self) -> None:
        for handle, layer in self._layers.items():
            layer.catch_up()
            self._links.came(handle)

    # Inside

    async def _keep_house(self) -> None:
        reconnect = self._loop.time() + _RECONNECT
        while True:
            await asyncio.sleep(_LOOK)
            self._ask()
            self._links.look(self._layers)
            linked = self._links.now > 0
            for layer in self._layers.values():
                layer.look(linked=linked)
            self._look_ahead()
            if self._loop.time() >= reconnect:
                reconnect = self._loop.time() + _RECONNECT
                for handle in self._layers:
                    self._links.connect(handle)

    def _look_ahead(self) -> None:
        """Ask for as much ahead as suits what is missing."""
        missing = sum(layer.missing for layer in self._layers.values())
        seconds = self._ahead.seconds(received=self._moved.received, missing=missing, now=self._loop.time())
        if seconds != self._seconds_ahead:
            self._seconds_ahead = seconds
            self._session.apply_settings({"request_queue_time": seconds})

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(_FLUSH_LIMIT):
                await asyncio.gather(*(layer.flush() for layer in self._layers.values()))
        except TimeoutError:
            raise SwarmError(f"the disk did not take the last pieces within {_FLUSH_LIMIT:.0f} s") from None

    def _break(self, error: DcdistError) -> None:
        if self._error is None:
            self._error = error
            self._session.pause()
            self._end(error)
            self._inbox.broke(SwarmBroke(error))

    def _end(self, error: DcdistError) -> None:
        for layer in self._layers.values():
            layer.end(error)
        for _, added in self._adding.values():
            if not added.done():
                added.set_exception(error)
        self._intake.open()


def _limit(rate: float | None) -> int:
    """A rate as libtorrent has it, for whom 0 is no limit."""
    return 0 if rate is None else max(1, round(rate))
