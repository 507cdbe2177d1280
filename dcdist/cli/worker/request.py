"""What the command asks of the process that works for it: one line of JSON, so that no argument shows in `ps`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dcdist.cli.display.quantities import parse_address

if TYPE_CHECKING:
    from dcdist.node.fetch_options import FetchOptions


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """A fetch in plain values. Folders and files are absolute; rates are bytes a second; addresses `IP:PORT`."""

    wanted: str
    store: str
    trust: tuple[str, ...]
    dest: str
    cache: str
    images: tuple[str, ...]
    metadata_only: bool
    listen: str | None
    advertise: str | None
    peers: tuple[str, ...]
    realm: str
    swarm: bool
    draw: bool
    prefer: str
    order: str
    store_rate: float | None
    fleet_store_rate: float | None
    up_rate: float | None
    down_rate: float | None
    seed_for: float
    trace: str | None = None
    log_file: str | None = None

    def encode(self) -> bytes:
        """One line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> FetchRequest:
        """What `encode` wrote."""
        found: dict[str, Any] = json.loads(line)
        values: dict[str, Any] = {}
        for key, value in found.items():
            values[key] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    def options(self) -> FetchOptions:
        """The same, as the node has it."""
        from dcdist.engine.options import Order, Prefer
        from dcdist.node.fetch_options import FetchOptions

        return FetchOptions(
            dest=Path(self.dest),
            cache=Path(self.cache),
            images=self.images,
            metadata_only=self.metadata_only,
            listen=_address(self.listen),
            advertise=_address(self.advertise),
            peers=tuple(parse_address(peer) for peer in self.peers),
            realm=self.realm,
            swarm=self.swarm,
            draw=self.draw,
            prefer=Prefer(self.prefer),
            order=Order(self.order),
            store_rate=self.store_rate,
            fleet_store_rate=self.fleet_store_rate,
            up_rate=self.up_rate,
            down_rate=self.down_rate,
            seed_for=self.seed_for,
            trace=Path(self.trace) if self.trace else None,
        )


def _address(text: str | None) -> tuple[str, int] | None:
    return None if text is None else parse_address(text, any_port=True)
