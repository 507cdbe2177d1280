"""A check ends with a finding, whatever happens to it."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING

import pytest

from dcdist.checkup import bounded
from dcdist.checkup.bounded import BoundedChecks
from dcdist.checkup.findings.finding import Check, FindingState
from dcdist.errors import DiskError, InvariantError

if TYPE_CHECKING:
    from dcdist.checkup.findings.finding import Finding


async def examined(error: Exception) -> Finding:
    """The finding on a check that an error ended."""
    checks = BoundedChecks(lambda _: None)

    async def probe() -> Finding:
        raise error

    found = await checks.examine(Check.INTERFACES, probe)
    assert checks.findings == [found]
    return found


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DiskError("the disk is full", path="/d"), "the disk is full"),
        (OSError(errno.EMFILE, "Too many open files"), "the system refused: Too many open files"),
        (OSError(errno.EACCES, "Permission denied", "/proc/net"), "the system refused: /proc/net: Permission denied"),
        (OSError("odd"), "the system refused: odd"),
        (TimeoutError(errno.ETIMEDOUT, "Connection timed out"), "the system refused: Connection timed out"),
        (MemoryError(), "this host has no memory left for dcdist"),
    ],
)
async def test_what_the_system_refuses_is_a_finding(error: Exception, message: str) -> None:
    found = await examined(error)
    assert (found.state, found.message) == (FindingState.FAILED, message)
    assert found.advice


async def test_silence_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "EACH", 0.0)

    async def probe() -> Finding:
        await asyncio.Event().wait()
        raise AssertionError

    found = await BoundedChecks(lambda _: None).examine(Check.STORE, probe)
    assert found.message == "no time was left: the checks before it took too long"


async def test_a_bug_is_not_a_finding() -> None:
    with pytest.raises(InvariantError):
        await examined(InvariantError("odd"))
