"""Runs a command's coroutine; the first signal cancels it and lets it end cleanly, a second one kills."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, TypeVar

from dcdist.cli.faults import InterruptedByUserError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Result = TypeVar("Result")


def run_until_done(work: Coroutine[None, None, Result]) -> Result:
    """What `work` gives.

    Raises:
        InterruptedByUserError: A signal ended it.
    """

    async def interruptible() -> Result:
        interrupted: list[int] = []
        task = asyncio.current_task()

        def end(number: int) -> None:
            interrupted.append(number)
            if task is not None:
                task.cancel()

        on_first_signal(end)
        try:
            return await work
        except asyncio.CancelledError:
            if interrupted:
                raise InterruptedByUserError(interrupted[0]) from None
            raise

    return asyncio.run(interruptible())


def on_first_signal(end: Callable[[int], None]) -> None:
    """Call `end` with the number of the first signal; for the loop that runs. Signals that are ignored stay so."""
    loop = asyncio.get_running_loop()
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]

    def first(number: int) -> None:
        for each in heeded:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        end(number)

    for number in heeded:
        loop.add_signal_handler(number, first, number)
