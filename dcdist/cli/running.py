"""Runs a command's coroutine: the first signal lets it end cleanly, a second one kills."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, TypeVar

from dcdist.cli.faults import InterruptedByUserError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Result = TypeVar("Result")


def run_until_done(work: Coroutine[None, None, Result], *, end: Callable[[], bool] = lambda: False) -> Result:
    """The result of `work`.

    The first signal calls `end`, which says whether `work` will now end by itself, as a success; else it is cancelled.

    Raises:
        InterruptedByUserError: A signal cancelled it.
    """

    async def interruptible() -> Result:
        interrupted: list[int] = []
        task = asyncio.current_task()

        def interrupt(number: int) -> None:
            if not end() and task is not None:
                interrupted.append(number)
                task.cancel()

        on_first_signal(interrupt)
        try:
            return await work
        except asyncio.CancelledError:
            if interrupted:
                raise InterruptedByUserError(interrupted[0]) from None
            raise

    return asyncio.run(interruptible())


def on_first_signal(end: Callable[[int], None]) -> None:
    """Have the running loop call `end` with the number of the first signal. Signals that are ignored stay so."""
    loop = asyncio.get_running_loop()
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]

    def first(number: int) -> None:
        for each in heeded:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)
        end(number)

    for number in heeded:
        loop.add_signal_handler(number, first, number)
