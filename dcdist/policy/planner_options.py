"""What a planner is told before all else: whose it is, what for, and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.policy.preference import TIME

if TYPE_CHECKING:
    from dcdist.model.identity import HostId, LayerName
    from dcdist.policy.preference import Preference


@dataclass(frozen=True, slots=True)
class PlannerOptions:
    """Who this host is and what it may do.

    `preference`: what matters more, time or the store's egress. `may_draw`: may use the store at all.
    `acquainted_from`: by this time hosts that begin together know each other. `version`: of the release; `layers`: the
    names of its layers, in order.
    `in_order`: there is no swarm to be diverse for, draw from front to back. `stream`: what a sink that takes the
    layers in their order needs next comes first.
    `passing_patience`, `lasting_patience`: seconds without any progress until it gives up; see `Patience`.
    """

    host: HostId
    version: str
    layers: tuple[LayerName, ...]
    preference: Preference = TIME
    may_draw: bool = True
    in_order: bool = False
    stream: bool = False
    acquainted_from: float = 0.0
    begun: float = 0.0
    passing_patience: float = 300.0
    lasting_patience: float = 20.0
