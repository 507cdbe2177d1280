"""The BitTorrent session of a host, with one torrent a layer.

Everything here runs on the event loop; libtorrent works in threads of its own and reports by alerts.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dcdist.errors import SwarmError
from dcdist.model.identity import HostId, LayerName
from dcdist.policy.link.request_ahead import USUAL, Ahead
from dcdist.ports.pending_events import PendingEvents
from dcdist.ports.swarm import SwarmBroke, SwarmStatistics
from dcdist.swarm.alert_dispatch import AlertDispatch
from dcdist.swarm.alerts import AlertPump
from dcdist.swarm.counters import Counters
from dcdist.swarm.injection_limits import InjectionLimits
from dcdist.swarm.libtorrent_errors import begin_session
from dcdist.swarm.links import Links
from dcdist.swarm.listening import Listener
from dcdist.swarm.peers_missing import PeersMissing
from dcdist.swarm.quick_redial import QuickRedial
from dcdist.swarm.settings import (
    GUEST_LIMIT,
    allow_open_files,
    only,
    peer_classes,
    peer_id_of,
    peer_list,
    send_buffers,
    session_parameters,
)
from dcdist.swarm.torrent import torrent_parameters
from dcdist.swarm.torrent_layer import TorrentLayer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import libtorrent as lt

    from dcdist.errors import DcdistError
    from dcdist.model.identity import Address
    from dcdist.policy.fleet.reachability import Contact
    from dcdist.ports.layers import CachedLayer
    from dcdist.ports.swarm import SwarmEvent

_LOOK = 0.25
_RECONNECT = 5.0
_FLUSH_LIMIT = 60.0
_HIGHEST_RATE = (1 << 31) - 2


@asynccontextmanager
async def open_swarm(*listen: Address, host: HostId | None = None) -> AsyncIterator[TorrentSwarm]:
    """A session that listens at each address of `listen`, on one port (0: any free one); closed at the end.

    Without an address it listens nowhere. Others know its links by the id `host`; None: a random one.

    Raises:
        SwarmError: It cannot listen there, or libtorrent cannot begin.
    """
    listener = Listener(listen)
    swarm = TorrentSwarm(listener, host or HostId(secrets.token_hex(16)))
    try:
        await listener.wait()
        yield swarm
    finally:
        await swarm.close()


class TorrentSwarm:
    """Implements `Swarm`; made by `open_swarm`."""

    def __init__(self, listener: Listener, host: HostId) -> None:
        allow_open_files()
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._layers: dict[lt.torrent_handle, TorrentLayer] = {}
        self._adding: dict[LayerName, tuple[CachedLayer, asyncio.Future[TorrentLayer]]] = {}
        self._events = PendingEvents()
        self._limits = InjectionLimits()
        self._redial = QuickRedial(lambda settings: self._session.apply_settings(settings))
        self._links = Links(self._redial.hung_up, self._redial.dialled)
        self._peers_missing = PeersMissing()
        self._ahead = Ahead()
        self._seconds_ahead = USUAL
        self._suiting: lt.settings_pack = {**send_buffers(0), **peer_list(0)}
        self._rates = (0, 0)
        self._admitted = 0
        self._to_dial: list[Address] = []
        self._error: DcdistError | None = None
        self._closed = False
        self._session = begin_session(
            session_parameters(listen=listener.interfaces, source=listener.source, peer_id=peer_id_of(host))
        )
        self._guest_class = self._session.create_peer_class("guest")
        guests = self._session.get_peer_class(self._guest_class)
        self._session.set_peer_class(self._guest_class, {**guests, "connection_limit_factor": GUEST_LIMIT})
        self._session.set_peer_class_filter(peer_classes(self._guest_class, ()))
        # No part but the pump keeps the session: whoever drops the last reference waits for libtorrent's threads.
        self._counters = Counters(lambda: self._session.post_session_stats())
        self._alerts = self._dispatch()
        self._pump = AlertPump(self._session, self._take)
        self._housekeeping = self._loop.create_task(self._keep_house())

    @property
    def port(self) -> int:
        """The listening port; 0 if it does not listen."""
        return self._listener.port

    @property
    def listening(self) -> tuple[Address, ...]:
        """Where it listens, all on one port: unspecified addresses for all of a family; none if nowhere."""
        return self._listener.endpoints

    async def add(self, layer: CachedLayer) -> TorrentLayer:
        """Take part in the swarm of `layer`, offering what it has; its data file is written from here on.

        Raises:
            SwarmError: The layer was added before, or the session is closed or refused it.
        """
        name = layer.index.layer
        if self._closed or name in self._adding:
            raise SwarmError(f"layer {name} cannot be added: it was added before, or the swarm is closed")
        added: asyncio.Future[TorrentLayer] = self._loop.create_future()
        self._adding[name] = (layer, added)
        self._admit()
        self._session.async_add_torrent(torrent_parameters(layer, self._links.endpoints))
        return await added

    def connect(self, address: str, port: int) -> None:
        """Trade all layers, present and future, with the host there; connect again whenever the link is lost.

        Raises:
            SwarmError: The address is not an IP address, or the port is not valid.
        """
        endpoint = self._links.want(address, port, own=self._listener.endpoints)
        if endpoint and not self._closed:
            if not self._to_dial:
                self._loop.call_soon(self._dial)  # one filter for all hosts that are named at once
            self._to_dial.append(endpoint)

    def _dial(self) -> None:
        endpoints, self._to_dial = self._to_dial, []
        if self._closed:
            return
        self._suit_hosts()
        self._admit()
        for handle in self._layers:
            for endpoint in endpoints:
                self._links.dial(handle, endpoint, now=self._loop.time())

    def forget(self, address: str, port: int) -> None:
        """Dial the host there no more. A link that exists stays. Does nothing if `connect` did not name the host.

        Raises:
            SwarmError: The address is not an IP address, or the port is not valid.
        """
        self._links.forget(address, port, now=self._loop.time())

    def contact(self, host: HostId | None, address: str, port: int) -> Contact | None:
        """How this host stands with the one that listens there, as of a moment ago; None: it is this host itself.

        `host` is the id of the other one; None: it is not known.

        Raises:
            SwarmError: The address is not an IP address, or the port is not valid.
        """
        return self._links.contact(host, (address, port), own=self._listener.endpoints)

    async def events(self) -> Sequence[SwarmEvent]:
        """Wait for events and take them: failed pieces first, then the pieces that passed as one set a layer.

        Raises:
            SwarmError: The session is closed, and all events were taken.
        """
        return await self._events.take()

    def statistics(self) -> SwarmStatistics:
        """What was moved until a moment ago (a quarter of a second at most)."""
        traffic = self._counters.traffic
        return SwarmStatistics(
            from_peers=traffic.received,
            useful=traffic.useful,
            to_peers=traffic.sent,
            wasted=traffic.wasted + self._limits.wasted,
            peers=self._links.now,
            peers_seen=self._links.ever,
        )

    async def latest_statistics(self) -> SwarmStatistics:
        """What was moved until now; if the session does not answer within two seconds, until a moment ago."""
        # Twice: answers come in order, and the first may be to an earlier question.
        for _ in range(2):
            if self._closed:
                break
            await self._counters.answered()
        self._links.look(self._layers, now=self._loop.time())
        return self.statistics()

    def lacking(self) -> tuple[int, ...]:
        """The bytes that each linked host lacks, in whole pieces, of the layers it has a link for.

        Complete hosts are left out. Eight layers are looked at in one call, in turns.
        """
        if self._closed or self._error:
            return ()
        return self._peers_missing.look({handle: layer.geometry for handle, layer in self._layers.items()})

    def limit(self, *, up: float | None, down: float | None) -> None:
        """Limit the payload rates over all peers, in bytes a second; None: no limit."""
        rates = (_rate(up), _rate(down))
        if rates != self._rates and not self._closed:
            self._rates = rates
            self._session.apply_settings({"upload_rate_limit": rates[0], "download_rate_limit": rates[1]})

    async def close(self) -> None:
        """Leave the swarm. All pieces that passed are in the data files when it returns.

        Raises:
            SwarmError: They could not be written within a minute.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._session.pause()
            if not self._error:
                # While the housekeeping still runs: it begins a flush again if the acknowledgement is late.
                await self._flush()
        finally:
            self._redial.close()
            self._housekeeping.cancel()
            await asyncio.wait([self._housekeeping])
            self._end(SwarmError("the swarm is closed"))
            self._events.close()
            self._pump.detach()
            self._layers.clear()
            # Last of all: it ends libtorrent's threads, and holds the interpreter until they are gone.
            del self._session
            self._pump.close()

    # Alerts of the session itself

    def _dispatch(self) -> AlertDispatch:
        return AlertDispatch(
            self._layers,
            links=self._links,
            limits=self._limits,
            counters=self._counters,
            added=self._added,
            listened=lambda alert: self._listener.take(alert, self._session),
            failed=self._listener.fail,
            broke=self._break,
        )

    def _added(self, alert: lt.add_torrent_alert) -> None:
        torrent = alert.params.ti
        if torrent is None:
            return
        layer, added = self._adding[LayerName(torrent.name())]
        if alert.error.value():
            if not added.done():
                added.set_exception(SwarmError(f"layer {torrent.name()} cannot be shared: {alert.error.message()}"))
            return
        ours = TorrentLayer(layer, alert.handle, limits=self._limits, events=self._events)
        self._layers[alert.handle] = ours
        self._links.came(alert.handle)  # hosts that were dialled with it may be linked by now
        if self._error:
            ours.end(self._error)
        self._admit()
        self._links.connect(alert.handle, now=self._loop.time())
        if not added.done():
            added.set_result(ours)

    def _take(self, alerts: list[lt.alert]) -> None:
        self._alerts.take(alerts)
        self._admit()

    # Inside

    def _admit(self) -> None:
        """Have libtorrent link with those who are admitted, and only with them."""
        admission = self._links.admission
        if admission.changes != self._admitted:
            self._admitted = admission.changes
            self._session.set_ip_filter(only(admission.addresses))
            self._session.set_peer_class_filter(peer_classes(self._guest_class, admission.wanted))
        for refusal in admission.refusals():
            self._events.trouble(refusal)

    async def _keep_house(self) -> None:
        reconnect = self._loop.time() + _RECONNECT
        while True:
            await asyncio.sleep(_LOOK)
            self._counters.ask()
            self._links.look(self._layers, now=self._loop.time())
            self._admit()
            linked = self._links.now > 0
            for layer in self._layers.values():
                layer.look(linked=linked)
            self._look_ahead()
            self._suit_hosts()
            if self._loop.time() >= reconnect:
                reconnect = self._loop.time() + _RECONNECT
                for handle in self._layers:
                    self._links.connect(handle, now=self._loop.time())

    def _look_ahead(self) -> None:
        """Ask peers for as many seconds ahead as suits the missing bytes."""
        missing = sum(layer.missing for layer in self._layers.values())
        received = self._counters.traffic.received
        seconds = self._ahead.seconds(received=received, missing=missing, now=self._loop.time())
        if seconds != self._seconds_ahead:
            self._seconds_ahead = seconds
            self._session.apply_settings({"request_queue_time": seconds})

    def _suit_hosts(self) -> None:
        """Share out what links may hold back, and bound whom libtorrent remembers, by the number of hosts.

        In the kernel the former holds for links that are made from now on.
        """
        wanted = len(self._links.endpoints)
        suiting: lt.settings_pack = {**send_buffers(max(wanted, self._links.now)), **peer_list(wanted)}
        if suiting != self._suiting:
            self._suiting = suiting
            self._session.apply_settings(suiting)

    async def _flush(self) -> None:
        try:
            async with asyncio.timeout(_FLUSH_LIMIT):
                await asyncio.gather(*(layer.flush() for layer in self._layers.values()))
        except TimeoutError:
            raise SwarmError(f"the disk did not write the last pieces within {_FLUSH_LIMIT:.0f} s") from None

    def _break(self, error: DcdistError) -> None:
        if self._error is None:
            self._error = error
            self._session.pause()
            self._end(error)
            self._events.broke(SwarmBroke(error))

    def _end(self, error: DcdistError) -> None:
        for layer in self._layers.values():
            layer.end(error)
        for _, added in self._adding.values():
            if not added.done():
                added.set_exception(error)
        self._limits.open()


def _rate(rate: float | None) -> int:
    """A rate as libtorrent takes it: 0 means no limit, and one above 31 bits wraps around."""
    return 0 if rate is None else max(1, min(round(rate), _HIGHEST_RATE))
