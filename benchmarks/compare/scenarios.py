"""The scenarios by name: which link each host has, when each starts, and who takes part. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tools.lab.network import Link

STORE = "store"


class Pace(Enum):
    """Which contenders run in a scenario."""

    ALL = "all"
    SWARMS = "swarms"  # those that send every byte to every host from one place would only be slow


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation, ready to run.

    `store`: the store's link; `hosts`: each host's link by name, in order; `starts`: seconds after the start signal at
    which each host begins; `update`: all hosts hold version 1 and fetch version 2; `last`: whether the last host's
    finish is what counts (else each host's own time).
    """

    name: str
    summary: str
    store: Link
    hosts: dict[str, Link]
    starts: dict[str, float]
    pace: Pace = Pace.SWARMS
    update: bool = False
    together: bool = True

    @property
    def links(self) -> dict[str, Link]:
        """All links, the store's first."""
        return {STORE: self.store, **self.hosts}
