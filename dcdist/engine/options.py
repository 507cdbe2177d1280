"""What a fetch may be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Prefer(Enum):
    """What matters more when the two conflict."""

    TIME = "time"
    """Fill the link: draw from the store whatever makes this host ready sooner."""
    EGRESS = "egress"
    """Spare the store: draw what is new to the swarm, wait for peers for the rest."""


class Order(Enum):
    """In which order the layers of a fetch come."""

    ANY = "any"
    """As it suits the swarm."""
    STREAM = "stream"
    """What a sink that takes them from front to back needs next comes first."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How one fetch behaves. Rates are bytes a second, None is no bound.

    `fleet_store_rate`: the most that all hosts together take from the store.
    `alone`: there is no swarm. `draw`: whether the store gives payload (False: manifest and index only).
    `peers`: hosts to connect to beside those found.
    """

    alone: bool = False
    draw: bool = True
    prefer: Prefer = Prefer.TIME
    order: Order = Order.ANY
    store_rate: float | None = None
    fleet_store_rate: float | None = None
    up_rate: float | None = None
    down_rate: float | None = None
    peers: tuple[tuple[str, int], ...] = ()
