"""A signal ends a command's work: by cancelling it, unless the work says that it will end by itself."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from dcdist.cli.faults import InterruptedByUserError
from dcdist.cli.running import SIGNALS, run_until_done

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _signals_stay() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_work_which_is_told_as_an_interruption(number: signal.Signals) -> None:
    ended_cleanly = False

    async def work() -> None:
        nonlocal ended_cleanly
        os.kill(os.getpid(), number)
        try:
            await asyncio.Event().wait()
        finally:
            ended_cleanly = True

    with pytest.raises(InterruptedByUserError) as caught:
        run_until_done(work())
    assert (caught.value.number, ended_cleanly) == (number, True)


def test_work_that_ends_by_itself_at_a_signal_has_succeeded() -> None:
    stop = asyncio.Event()

    def end() -> bool:
        stop.set()
        return True

    async def work() -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.wait()
        return "done"

    assert run_until_done(work(), end=end) == "done"


def test_a_cancellation_without_a_signal_stays_one() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_until_done(work())
