"""Why did a host draw? A guess from what it knew; it goes as soon as the planner's draws carry their reason."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dcdist.policy.planner_commands import Draw
    from dcdist.sim.host import Host


class GuessedReason(StrEnum):
    """Why a host drew pieces."""

    OWN = "own"
    EARLY = "early"
    """While others might not be known yet, what was surely its own."""
    HELP = "help"
    UNDELIVERED = "undelivered"
    """A peer was seen to hold it."""


def guess(host: Host, command: Draw, *, now: float) -> GuessedReason:
    """Why `host` draws now, by the first piece of it."""
    if host.seen >> host.numbering.numbers(command.layer, command.first, command.stop)[0] & 1:
        return GuessedReason.UNDELIVERED
    if not host.planner.knows_others(now=now):
        return GuessedReason.EARLY
    ownership = host.planner._plans[command.layer].ownership  # noqa: SLF001
    stripe = command.first // host.numbering.layers[command.layer].pieces_per_stripe
    return GuessedReason.OWN if ownership.owner(stripe) == host.identity else GuessedReason.HELP
