"""The limits on what a host takes: all of them hold at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dcdist.disk.solitary import Solitary
from dcdist.engine.fetch_options import Rates
from dcdist.engine.rate_limits import RateLimits
from dcdist.policy.fleet.fleet_share import FleetShare
from dcdist.policy.requests.pacing import Pace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def swarm() -> AsyncIterator[Solitary]:
    async with Solitary() as made:
        yield made


def rate(swarm: Solitary, rates: Rates, *, store: float = 0.0, peers: float = 0.0) -> float | None:
    """What is allowed from the store, ten seconds after a host began that is alone and known."""
    cap = rates.fleet_store
    pace = Pace()
    fleet = None if cap is None else FleetShare(cap, acquainted_from=1.0)
    RateLimits(rates, pace, swarm, fleet).share(store=store, peers=peers, noticed_from=6.0, now=10.0)
    return pace.rate


async def test_without_limits_there_is_none(swarm: Solitary) -> None:
    assert rate(swarm, Rates()) is None


async def test_the_host_s_own_limit_and_its_share_of_the_fleet_s_both_hold(swarm: Solitary) -> None:
    assert rate(swarm, Rates(store=5e6)) == 5e6
    assert rate(swarm, Rates(fleet_store=3e6)) == 3e6
    assert rate(swarm, Rates(store=5e6, fleet_store=3e6)) == 3e6
    assert rate(swarm, Rates(store=5e6, fleet_store=8e6)) == 5e6


async def test_what_peers_give_counts_against_the_limit_on_both(swarm: Solitary) -> None:
    assert rate(swarm, Rates(down=10e6), peers=8e6) == 1e6
    assert rate(swarm, Rates(down=10e6, fleet_store=0.5e6), peers=8e6) == 0.5e6
