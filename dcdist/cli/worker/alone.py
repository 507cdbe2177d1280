"""The process that goes on seeding alone gives up root, as soon as nothing is left for which it needs it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from dcdist.cli.giving_up_root import become
from dcdist.disk.seeder_lock import SeederLock
from dcdist.errors import DiskError
from dcdist.tasks import in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from dcdist.cli.host_user import HostUser

_LOOK = 0.25
"""Seconds between two looks at the lock."""

_PATIENCE = 30.0
"""Seconds that an earlier seeder is waited for: twice as long as it is given to end."""


async def give_up_root(account: HostUser, cache: Path) -> str:
    """Become that user once this process is the seeder of its cache; why not, in words; empty if it was done."""
    await _hold_place(SeederLock(cache))
    return await in_thread(become, account, cache)


async def _hold_place(lock: SeederLock) -> None:
    """Wait until this process holds the lock, which that user could not take, but not for long."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE
    while loop.time() < deadline:
        try:
            holder = await in_thread(lock.holder)
        except DiskError:
            return  # whoever takes the lock says so
        if holder is not None and holder.process == os.getpid():
            return
        await asyncio.sleep(_LOOK)
