"""What examinations share: a release in a store, another host that answers, and findings by check."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dcdist.checkup.findings.finding import Check, Finding, FindingState
from dcdist.model.identity import HostId
from dcdist.model.member import Member, Role
from dcdist.store import open_store
from dcdist.swarm import StoreRendezvous, open_swarm
from tests.support.publishing import Publisher, noise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from dcdist.checkup.findings.finding import Checkup
    from dcdist.model.identity import Address

LOOPBACK = ("127.0.0.1", 0)


async def publish(url: str, environment: Mapping[str, str]) -> None:
    """Put `web@1` into a store."""
    async with open_store(url, environment=environment) as store:
        await Publisher(store).publish("web@1", {"web.img": noise(1, 400_000)})


@asynccontextmanager
async def other_host(url: str, environment: Mapping[str, str]) -> AsyncIterator[Address]:
    """A host of `web` that listens, and has its heartbeat in the store; its address."""
    async with open_store(url, environment=environment) as store, open_swarm(LOOPBACK) as swarm:
        rendezvous = StoreRendezvous(store, demo="web", realm="default")
        place = ("127.0.0.1", swarm.port)
        await rendezvous.announce(Member(HostId("a" * 32), 0, Role.SEEDER, *place, "1", 0), stale_after=45.0)
        yield place
        await rendezvous.withdraw()


def found(checkup: Checkup) -> dict[Check, Finding]:
    """The finding of each check, of which there is one."""
    assert [finding.check for finding in checkup.findings] == list(Check)
    return {finding.check: finding for finding in checkup.findings}


def in_state(checkup: Checkup, state: FindingState) -> set[Check]:
    """The checks that ended so."""
    return {finding.check for finding in checkup.with_state(state)}
