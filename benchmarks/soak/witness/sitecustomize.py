"""Has every Python process of a soak say what it is doing when it is asked, into files of the folder `SOAK_WITNESS`.

SIGUSR1: the stacks of all threads and of all tasks, for a fetch that does not end. SIGUSR2: the number of tasks.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def _tasks() -> set[asyncio.Task[object]]:
    try:
        return asyncio.all_tasks()
    except RuntimeError:
        return set()  # no loop runs in this thread


def _testify(folder: Path) -> None:
    stacks = (folder / f"stacks.{os.getpid()}").open("a")

    def tell_stacks(_number: int, _frame: FrameType | None) -> None:
        for task in _tasks():
            print(f"\n{task!r}", file=stacks)
            task.print_stack(file=stacks)
        stacks.flush()

    def tell_count(_number: int, _frame: FrameType | None) -> None:
        (folder / f"tasks.{os.getpid()}").write_text(str(len(_tasks())))

    signal.signal(signal.SIGUSR1, tell_stacks)
    # The threads are told by C, at once, even if Python is stuck; then comes the handler above.
    faulthandler.register(signal.SIGUSR1, file=stacks, chain=True)
    signal.signal(signal.SIGUSR2, tell_count)


if os.environ.get("SOAK_WITNESS"):
    _testify(Path(os.environ["SOAK_WITNESS"]))
