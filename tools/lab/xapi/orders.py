"""What a stand-in should do wrong, and the form of it in a file."""

from __future__ import annotations

import json
import threading
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE = "orders.json"
IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Fault:
    """Calls of this name go wrong: a method of XML-RPC, or `import`. The first `skip` pass, the next `count` do not.

    `delay` seconds pass before anything else. `status` is the HTTP status of an answer in place of the real one, and no
    byte of the body is read. `error` is a failure, as a code and its parameters: of a call, or of an import's task.

    Imports only: `rate` bounds the bytes a second that are read. At byte `at` of the body (None: behind the last block)
    the import fails with `error`, or with `reset` its connection is reset; one of the two must be there with `at`.
    `late` seconds pass between the end of the connection and that of the task.
    """

    call: str = IMPORT
    skip: int = 0
    count: int | None = 1
    delay: float = 0.0
    status: int | None = None
    error: tuple[str, ...] = ()
    rate: float | None = None
    at: int | None = None
    reset: bool = False
    late: float = 0.0

    def __post_init__(self) -> None:
        if self.at is not None and not (self.error or self.reset):
            raise ValueError("a fault at a byte needs an error or a reset")


NO_FAULT = Fault()


@dataclass(frozen=True, slots=True)
class Orders:
    """All that is ordered now. Of two orders with the same `serial` the second is not news.

    Sessions that began under another `expiry` are over. No more than `most_imports` are taken at once. A storage holds
    `room` bytes. With `impostor`, connections are answered with a certificate that nobody was told to trust.
    """

    serial: int = 0
    expiry: int = 0
    faults: tuple[Fault, ...] = ()
    most_imports: int | None = None
    room: int | None = None
    impostor: bool = False

    def save(self, directory: Path) -> None:
        """Write them where the stand-in in `directory` looks, in one step."""
        hidden = directory / f"{FILE}.new"
        hidden.write_text(json.dumps(asdict(self)))
        hidden.replace(directory / FILE)

    @classmethod
    def load(cls, directory: Path) -> Orders:
        """What `save` wrote."""
        values = json.loads((directory / FILE).read_text())
        faults = (Fault(**{**each, "error": tuple(each["error"])}) for each in values.pop("faults"))
        return cls(faults=tuple(faults), **values)


class OrderBook:
    """The orders as the server follows them: it counts the calls of each fault. Of use to several threads."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._calls: Counter[int] = Counter()
        self._serial = -1

    def now(self) -> Orders:
        """What is ordered at this moment."""
        return Orders.load(self._directory)

    def fault_of(self, call: str) -> Fault:
        """How this call goes wrong; `NO_FAULT` if it does not. To ask is to count."""
        orders = self.now()
        with self._lock:
            if orders.serial != self._serial:
                self._serial = orders.serial
                self._calls.clear()
            for number, fault in enumerate(orders.faults):
                if fault.call != call:
                    continue
                self._calls[number] += 1
                place = self._calls[number] - fault.skip
                if place > 0 and (fault.count is None or place <= fault.count):
                    return fault
        return NO_FAULT
