"""Examines a host: all that does not wait for each other at the same time, within half a minute."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import dcdist
from dcdist.checkup import machine_checks
from dcdist.checkup.bounded import BoundedChecks
from dcdist.checkup.findings.finding import Check, Checkup, FindingState, skipped
from dcdist.checkup.folder_checks import check_folder
from dcdist.checkup.member_checks import check_peers
from dcdist.checkup.reach_checks import ReachChecks
from dcdist.checkup.room_checks import rooms_needed
from dcdist.checkup.store_checks import STALL, StoreChecks
from dcdist.errors import DiskError
from dcdist.store import open_store
from dcdist.tasks import task_group

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dcdist.checkup.checkup_request import CheckupRequest
    from dcdist.checkup.findings.finding import Finding
    from dcdist.checkup.findings.folder_findings import Demand
    from dcdist.checkup.room_checks import RoomNeeded
    from dcdist.model.release import Release
    from dcdist.ports.store import Store


async def examine(
    request: CheckupRequest,
    *,
    environment: Mapping[str, str] | None = None,
    report: Callable[[Finding], None] = lambda _: None,
) -> Checkup:
    """Try on this host what a fetch would need, and say what works.

    Nothing is fetched. What is written to try it (an object under `swarm/` in the store, files in the folders) is
    removed again. It takes half a minute at most.

    Args:
        request: What to examine.
        environment: As for `open_store`.
        report: Called with each finding as soon as it is known; must return soon.

    Raises:
        UsageError: The store's URL or the environment is invalid, or `request` is no `CheckupRequest`.
    """
    used = os.environ if environment is None else environment
    async with open_store(request.store, environment=used, stall=STALL) as store:
        checks = BoundedChecks(report)
        await _Examination(request, store, used).run(checks)
    return Checkup.of(checks.findings)


_PATIENCE = 3.0
"""Seconds that the check of a folder waits for the releases."""


class _Examination:
    def __init__(self, request: CheckupRequest, store: Store, environment: Mapping[str, str]) -> None:
        self._request = request
        self._store = store
        self._environment = environment
        self._releases: asyncio.Future[tuple[Release, ...]] = asyncio.get_running_loop().create_future()
        self._rooms: Sequence[RoomNeeded] | None = None

    async def run(self, checks: BoundedChecks) -> None:
        request = self._request
        async with task_group() as group:
            group.create_task(self._look_at_machine(checks))
            store_checks = StoreChecks(self._store, request, self._environment, self._releases)
            group.create_task(store_checks.run(checks))
            group.create_task(checks.examine(Check.PEERS, partial(check_peers, request)))
            group.create_task(self._look_at_folders(checks))

    async def _look_at_machine(self, checks: BoundedChecks) -> None:
        software = await checks.examine(Check.SOFTWARE, partial(machine_checks.check_software, dcdist.__version__))
        await checks.examine(Check.OPEN_FILES, machine_checks.check_open_files)
        await checks.examine(Check.MEMORY, machine_checks.check_memory)
        can = self._store.capabilities
        # As a fetch does: without heartbeats nobody is told an address, and the store says nothing of the way.
        host = self._store.host if can.writable and can.listable else ""
        reach = ReachChecks(self._request.reach, host, self._request.cache)
        await reach.run(checks, has_libtorrent=software.state is not FindingState.FAILED)

    async def _look_at_folders(self, checks: BoundedChecks) -> None:
        """One after the other: they may share a disk, whose speed is measured."""
        cache, dest = self._request.cache, self._request.dest
        await self._look_at_folder(checks, Check.CACHE, cache, dest)
        await self._look_at_folder(checks, Check.DESTINATION, dest, cache)

    async def _look_at_folder(self, checks: BoundedChecks, check: Check, path: Path | None, other: Path | None) -> None:
        if path is None:
            option = "--cache" if check is Check.CACHE else "--dest"
            checks.note(skipped(check, f"{option} was not given"))
        else:
            await checks.examine(check, partial(check_folder, check, path, demands=self._demands, other=other))

    async def _demands(self, file_system: int) -> Sequence[Demand]:
        """What a fetch of each newest release would ask of a file system; none if they are not known in time."""
        await asyncio.wait([self._releases], timeout=_PATIENCE)
        if self._rooms is None and self._releases.done():
            cache, dest = self._request.cache, self._request.dest
            with suppress(DiskError):  # the check of that folder says why
                self._rooms = await rooms_needed(self._store, self._releases.result(), cache=cache, dest=dest)
        return [room.on(file_system) for room in self._rooms or ()]
