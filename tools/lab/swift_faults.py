"""Faults that a lab Swift can make: the requests they match, what they do, and their form in a file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE = "faults.json"
CORRUPTED = "corrupted.log"
"""Beside it: the bytes that were changed on order, a line each: JSON of time, user, path and offset in the object."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Requests with this method whose path (with `?` and the query) contains `path` go wrong; the first match counts.

    The first `skip` matches pass, the next `count` go wrong (None: all). `delay` seconds pass before anything else.
    With `status`, that is the answer, with `headers` and `body`. Without, the real answer is changed: `headers` replace
    its own, `whole` ignores the request's range, the byte at offset `corrupt` of its body is another, `rate` bounds its
    bytes a second, and after `truncate` bytes of its body come `stall` seconds of silence and the end of the
    connection, by a reset with `reset`.
    """

    path: str = ""
    method: str = "GET"
    skip: int = 0
    count: int | None = 1
    delay: float = 0.0
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: str = "ordered fault\n"
    whole: bool = False
    corrupt: int | None = None
    rate: float | None = None
    truncate: int | None = None
    stall: float = 0.0
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Orders:
    """All that a lab Swift should do wrong now. Of two orders with the same `serial` the second is not news.

    Tokens that were used before an order with a new `expiry` are good no more. Listings show what is put or deleted
    `listing_lag` seconds later.
    """

    serial: int = 0
    expiry: int = 0
    faults: tuple[Fault, ...] = ()
    listing_lag: float = 0.0

    def save(self, directory: Path) -> None:
        """Write them where the Swift in `directory` looks, in one step."""
        hidden = directory / f"{FILE}.new"
        hidden.write_text(json.dumps(asdict(self)))
        hidden.replace(directory / FILE)

    @classmethod
    def load(cls, path: Path) -> Orders:
        """Read what `save` wrote; nothing at all if nothing was."""
        try:
            data = json.loads(path.read_text())
        except FileNotFoundError:
            return cls()
        return cls(data["serial"], data["expiry"], tuple(_faults(data["faults"])), data["listing_lag"])


def _faults(rows: list[dict[str, object]]) -> Iterable[Fault]:
    for row in rows:
        headers = row.pop("headers")
        if isinstance(headers, list):
            row["headers"] = tuple((str(name), str(value)) for name, value in headers)
        yield Fault(**row)  # type: ignore[arg-type]
