"""Heartbeats out, listings in: the planner hears of changes, and a silent store is only missing news."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from dcdist.engine import membership as membership_module
from dcdist.engine.membership import Membership
from dcdist.errors import StoreUnavailableError
from dcdist.model.identity import HostId
from dcdist.model.member import Member, Role
from tests.support.engine import RememberingRendezvous
from tests.support.planners import member

if TYPE_CHECKING:
    import pytest


class SilentRendezvous(RememberingRendezvous):
    """One that answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = asyncio.Event()

    async def announce(self, member: Member) -> None:
        await self.answers.wait()
        await super().announce(member)


Change = tuple[tuple[Member, ...], tuple[HostId, ...]]


def take_part(rendezvous: RememberingRendezvous) -> tuple[Membership, list[Change], list[str]]:
    changes: list[Change] = []
    troubles: list[str] = []
    membership = Membership(
        rendezvous,
        member(1),
        changed=lambda joined, left: changes.append((joined, left)),
        troubled=troubles.append,
    )
    return membership, changes, troubles


async def test_a_host_registers_before_it_lists() -> None:
    rendezvous = RememberingRendezvous(others=(member(2),))
    membership, changes, _ = take_part(rendezvous)
    await membership.begin()

    assert rendezvous.announced == [member(1)]
    assert changes == [((member(2),), ())]


async def test_only_changes_are_told() -> None:
    rendezvous = RememberingRendezvous(others=(member(2), member(3)))
    membership, changes, _ = take_part(rendezvous)
    await membership.begin()
    await membership.begin()
    changed = replace(member(3), sequence=1, role=Role.SEEDER, needs=0)
    rendezvous.others = (changed,)
    await membership.begin()

    assert changes == [((member(2), member(3)), ()), ((changed,), (member(2).host,))]


async def test_a_store_that_is_down_is_reported_once_and_forgets_nobody() -> None:
    rendezvous = RememberingRendezvous(others=(member(2),))
    membership, changes, troubles = take_part(rendezvous)
    await membership.begin()
    rendezvous.fails = StoreUnavailableError("no answer")
    await membership.begin()
    await membership.begin()

    assert changes == [((member(2),), ())]
    assert ["heartbeat" in trouble for trouble in troubles] == [True, False]
    assert ["no answer" in trouble for trouble in troubles] == [True, True]


async def test_a_change_of_this_host_is_announced_soon_with_the_next_number() -> None:
    rendezvous = RememberingRendezvous()
    membership, _, _ = take_part(rendezvous)
    await membership.begin()
    running = asyncio.create_task(membership.run())
    membership.become(replace(member(1), role=Role.SEEDER, needs=0))
    while len(rendezvous.announced) < 2:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert rendezvous.announced[1] == replace(member(1), sequence=1, role=Role.SEEDER, needs=0)


async def test_the_start_does_not_wait_for_a_store_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(membership_module, "PATIENCE", 0.0)
    rendezvous = SilentRendezvous()
    membership, changes, _ = take_part(rendezvous)
    await membership.begin()
    assert changes == []

    rendezvous.answers.set()
    running = asyncio.create_task(membership.run())
    while not rendezvous.announced:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert rendezvous.announced == [member(1)]
