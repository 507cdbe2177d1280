"""What all connections of a stand-in share: its database, its disks, its orders and its log; and its hosts."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.lab.xapi.database import Database
from tools.lab.xapi.disks import DiskShelf
from tools.lab.xapi.failures import Failure
from tools.lab.xapi.import_log import ImportLog
from tools.lab.xapi.orders import OrderBook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.lab.xapi.options import Options


@dataclass(frozen=True, slots=True)
class Host:
    """The host that a connection leads to: its place in the pool, where 0 is the master.

    `trusted` is a connection by the host's own socket.
    """

    place: int
    trusted: bool = False


class Site:
    """One pool. `addresses` are those of its hosts, each with its port unless that is the usual one."""

    def __init__(self, options: Options, addresses: tuple[str, ...]) -> None:
        self.options = options
        self.addresses = addresses
        self.orders = OrderBook(options.directory)
        self.database = Database(options, expiry=lambda: self.orders.now().expiry)
        self.shelf = DiskShelf()
        self.log = ImportLog(options.imports)
        self._lock = threading.Lock()
        self._under_way = 0

    @contextmanager
    def place_for_import(self) -> Iterator[None]:
        """One of the imports that are taken at once.

        Raises:
            Failure: There are as many already as are ordered.
        """
        most = self.orders.now().most_imports
        with self._lock:
            if most is not None and self._under_way >= most:
                raise Failure("TOO_BUSY")
            self._under_way += 1
        try:
            yield
        finally:
            with self._lock:
                self._under_way -= 1
