"""The process that works for a fetch, as the command sees it: started, listened to, ended or let go.

Invariant: leaving the context ends the child and waits for it, unless it was let go.
"""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Self

from dcdist.cli.faults import died
from dcdist.cli.worker.fork import Forked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from dcdist.cli.faults import Fault, Json

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Child:
    """One worker process, in a session of its own: signals of the terminal reach it through this command only."""

    def __init__(self, work: Callable[[], int]) -> None:
        """Start it; it runs `work`, which writes records to standard output and returns the exit code.

        Raises:
            OSError: It cannot be started.
        """
        self.interrupted = 0
        """The number of the signal that asked this command to end; 0 if none has."""
        self._let_go = False
        self._process = Forked(work)
        self._before = {}
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._pass_on)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._let_go:
            self._end()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._process.stdin.close()
        self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def records(self) -> Iterator[dict[str, Json]]:
        """What it writes, until it ends or closes its side."""
        for line in self._process.stdout:
            try:
                found = json.loads(line)
            except ValueError:
                continue  # cut off in the middle: it was killed, and its exit code will say so
            if isinstance(found, dict):
                yield found

    def wait(self) -> Fault | None:
        """Wait for its end; the fault if it died without reporting one, None if it ended well."""
        status = self._process.wait()
        return died(status) if status else None

    @property
    def was_killed(self) -> bool:
        """Whether a signal ended it before it could say so; known after `wait`."""
        return self._process.returncode is not None and self._process.returncode < 0

    def let_go(self) -> None:
        """From now on it goes on by itself."""
        self._let_go = True

    def _end(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        for _ in self._process.stdout:
            pass  # so that a full pipe cannot block it
        self._process.wait()

    def _pass_on(self, number: int, _frame: FrameType | None) -> None:
        if self._let_go or self._process.returncode is not None:
            return
        if self.interrupted:
            self._process.send_signal(signal.SIGKILL)
            return
        self.interrupted = number
        self._process.send_signal(signal.SIGTERM)
        # Not by `print`, which this handler may have interrupted.
        os.write(2, b"\ndcdist: ending; what was fetched is kept (a second Ctrl-C ends it at once)\n")
