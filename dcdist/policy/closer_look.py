"""Is a request still needed? A last look, just before it goes out, may show that peers hold or bring what it wants.

What the planner knows of the peers may be a second old. What they have come to hold since, they are asked for already:
drawn as well, it would come twice. Invariant: a look that shows nothing new keeps no request from going out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dcdist.policy.planner_commands import Reason

if TYPE_CHECKING:
    from dcdist.model.pieces import Bits


@dataclass(frozen=True, slots=True)
class CloserLook:
    """Why a draw wants which pieces, and those that peers held and were bringing as far as the planner knew."""

    reason: Reason
    wanted: Bits
    held: Bits
    coming: Bits

    @property
    def believes_peers(self) -> bool:
        """Whether to look at all: a host that stands still believes nothing that peers claim."""
        return self.reason is not Reason.STANDSTILL

    @property
    def asks_what_comes(self) -> bool:
        """Whether it matters what peers are bringing: only where pieces are drawn that they hold."""
        return bool(self.wanted & self.held)

    def shows_news(self, held: Bits, coming: Bits) -> bool:
        """Whether peers hold or bring some of the wanted pieces now, and the planner did not know."""
        return self.believes_peers and bool(self.wanted & (held & ~self.held | coming & ~self.coming))
